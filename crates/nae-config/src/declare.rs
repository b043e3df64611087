//! The macro that declares settings.

/// Declares a settings struct.
///
/// ```text
/// /// What the section is about.
/// #[derive(Clone, Debug, PartialEq)]
/// pub struct Name {
///     /// What the field means.
///     pub field: Type = DEFAULT, in RANGE, unit "Hz", try "44100", was OLD;
/// }
/// ```
///
/// - `Type`: a number, a [`Choice`](crate::Choice), a list of numbers or of choices, or another settings
///   struct
/// - `as`, after the type: the key, where it is not the field's name
/// - `in`: every number has one, with two ends that the code can bear: `1..=64`, `0.5..=2.0`,
///   `-200.0..0.0`, or [`Range::or_zero`](crate::Range::or_zero) of one
/// - `unit`: what a number is counted in
/// - `try`: what the message of a wrong value advises; without it the default
/// - `was`: for a field that was added after files of this struct had been written: the value that
///   means the behaviour from before. [`canonical`](crate::canonical) texts leave it out while it
///   has that value, and read a missing field as that value, whatever the default is
///
/// What comes out is the struct with public documentation (description, default, range, unit),
/// `Default`, `Serialize` of all fields in their order, `Deserialize` that refuses unknown fields
/// and gives missing ones their default, [`Settings`](crate::Settings) and
/// [`Setting`](crate::Setting). [`CrossCheck`](crate::CrossCheck) is implemented by hand beside it.
#[macro_export]
macro_rules! settings {
    (@range) => { None };
    (@range $range:expr) => { Some($crate::Range::from($range)) };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident, $key:literal) => { $key };
    (@text) => { "" };
    (@text $text:literal) => { $text };
    (@is_old $value:expr) => { false };
    (@is_old $value:expr, $was:expr) => { $value == $was };
    (@old $ty:ty) => { None::<$ty> };
    (@old $ty:ty, $was:expr) => { Some::<$ty>($was) };
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                pub $field:ident : $ty:ty $(as $key:literal)? = $default:expr
                    $(, in $range:expr)? $(, unit $unit:literal)? $(, try $advice:literal)? $(, was $was:expr)?;
            )+
        }
    ) => {
        $(#[$attribute])*
        #[derive(::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`" $(, ". Range: `", stringify!($range), "`")? $(, " ", $unit)?, ".")]
                $(#[serde(rename = $key)])?
                pub $field: $ty,
            )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $crate::Settings for $name {
            fn fields(&self) -> Vec<$crate::Field> {
                vec![$({
                    let rule = $crate::settings!(@rule $(in $range,)? $(unit $unit,)? $(try $advice,)?);
                    $crate::Field {
                        name: $crate::settings!(@key $field $(, $key)?),
                        description: [$($doc.trim()),+].join(" "),
                        unit: rule.unit,
                        allowed: <$ty as $crate::Setting>::allowed(&rule),
                        content: $crate::Setting::content(&self.$field),
                    }
                }),+]
            }

            fn check(&self, section: &str) -> Result<(), $crate::OutOfRange> {
                $({
                    let rule = $crate::settings!(@rule $(in $range,)? $(unit $unit,)? $(try $advice,)?);
                    let key = $crate::full_key(section, $crate::settings!(@key $field $(, $key)?));
                    $crate::Setting::check(&self.$field, &key, &rule)
                        .map_err(|error| error.advise(&$crate::Setting::content(&Self::default().$field)))?;
                })+
                $crate::CrossCheck::cross_check(self, section)
            }
        }

        impl $crate::Setting for $name {
            fn content(&self) -> $crate::Content {
                $crate::Content::Section($crate::Settings::fields(self))
            }

            fn allowed(_: &$crate::Rule) -> String {
                String::new()
            }

            fn check(&self, key: &str, _: &$crate::Rule) -> Result<(), $crate::OutOfRange> {
                $crate::Settings::check(self, key)
            }

            fn serialize_canonical<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeStruct;
                let is_written = [$(!$crate::settings!(@is_old self.$field $(, $was)?),)+];
                let count = is_written.iter().filter(|is_written| **is_written).count();
                let mut out = serializer.serialize_struct(stringify!($name), count)?;
                $(
                    if $crate::settings!(@is_old self.$field $(, $was)?) {
                        out.skip_field($crate::settings!(@key $field $(, $key)?))?;
                    } else {
                        out.serialize_field($crate::settings!(@key $field $(, $key)?), &$crate::Canonical(&self.$field))?;
                    }
                )+
                out.end()
            }

            fn restore(stored: &mut $crate::Json) {
                $( $crate::canonical::restore(stored, $crate::settings!(@key $field $(, $key)?), $crate::settings!(@old $ty $(, $was)?)); )+
            }
        }
    };
    (@rule $(in $range:expr,)? $(unit $unit:literal,)? $(try $advice:literal,)?) => {
        $crate::Rule {
            range: $crate::settings!(@range $($range)?),
            unit: $crate::settings!(@text $($unit)?),
            advice: $crate::settings!(@text $($advice)?),
        }
    };
}
