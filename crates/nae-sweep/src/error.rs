//! Errors of experiments. The file is longer than others since one enum has them all.

use std::path::{Path, PathBuf};

use nae_audio::AudioError;
use nae_config::ConfigError;
use nae_files::{FileError, is_transient, shell_word};
use nae_joint::JointError;
use nae_metrics::MetricsError;
use nae_model::ModelError;
use nae_separate::SeparateError;
use nae_train::TrainError;

/// Errors of planning, running and collecting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A file or folder of the experiment or the run cannot be used.
    #[error(
        "cannot {action} {path}: {error}. Check the path, its permissions and the disk's space."
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A settings file, an unknown key, an assignment or a grid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Text that is no TOML, or a value of the wrong type.
    #[error("{path}: {message}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// The parser's words, with the line where it has one.
        message: String,
    },
    /// A value of a `--set`, a grid or a system that does not fit its key.
    #[error("{place}: {message}")]
    Value {
        /// Where it stands: `--set …`, a system's name.
        place: String,
        /// What was expected.
        message: String,
    },
    /// Nothing to compare.
    #[error(
        "the experiment has no [[system]]. Add at least one, with a `name` and the settings that differ from the defaults, such as model = {{ rank = 20 }}."
    )]
    NoSystem,
    /// Two systems under one name.
    #[error(
        "two systems are called `{name}`. Rows are identified by name, so give one of them another."
    )]
    SameSystem {
        /// The name.
        name: String,
    },
    /// Settings of a joint encoder that are not used.
    #[error(
        "the system `{name}` has settings of a joint encoder, but its models are not joined. Add join = \"memories\" (or \"clips\") to it, or remove its `joint`."
    )]
    NotJoined {
        /// The system.
        name: String,
    },
    /// A mixture of too many sources for a joint encoder.
    #[error(
        "the system `{name}` joins its models, and `{pair}` in `data.pairs` has {}: a joint encoder separates 2 to 6. Remove that mixture or the `join`.", nae_files::count(*.came, "source")
    )]
    TooManyToJoin {
        /// The system.
        name: String,
        /// Names of the sources.
        pair: String,
        /// How many there are.
        came: usize,
    },
    /// A joint encoder of a source that has no model.
    #[error(
        "the system `{name}` joins its models, and `data.unknown` leaves `{pair}` with sources that have none: a joint encoder is trained against the other sources of the pool, which stand for one source without a model. Leave one source of this mixture in `data.unknown`, set unknown = \"known\" (or \"free\", \"universal\") for this system, or remove its `join`."
    )]
    JoinedUnknown {
        /// The system.
        name: String,
        /// Names of the sources.
        pair: String,
    },
    /// Settings of a system that has none.
    #[error(
        "the system `{name}` is the stems of another program (`stems`), which has no `{key}` here. Remove one of both."
    )]
    StemsWithSettings {
        /// The system.
        name: String,
        /// The section or key.
        key: &'static str,
    },
    /// A stem that another program should have made.
    #[error(
        "the system `{name}` has no stem {path}. Write the mixtures of this experiment (`nae sweep mixtures RUN --out DIR`), let the program make a stem of every source from each, and plan again; or name the scenarios that it has stems of: scenarios = [\"…\"]."
    )]
    NoStem {
        /// The system.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A stem of another length than its mixture.
    #[error(
        "{path} has {came} samples at {sample_rate} Hz, and its mixture {expected}: it is no stem of this mixture. Make it again."
    )]
    StemLength {
        /// The file.
        path: PathBuf,
        /// Samples that it has.
        came: usize,
        /// Samples of the mixture.
        expected: usize,
        /// The mixture's sample rate.
        sample_rate: u32,
    },
    /// A model from elsewhere that cannot stand in for a source.
    #[error(
        "unknown = \"{location}\": {message}. Expected \"free\", \"known\", \"universal\", \"universal:voice\", \"universal:noise\" or a model file."
    )]
    StandIn {
        /// What the system names.
        location: String,
        /// What is wrong with it.
        message: String,
    },
    /// A universal model of nothing.
    #[error(
        "the system `{name}` separates `{pair}` with a universal model in the place of {source_name}, but there is no other source in its pool with `data.min_train_s` of training sound. Add some to `data.{pool}`, or set unknown = \"free\"."
    )]
    NoOthers {
        /// The system.
        name: String,
        /// Names of the mixture's sources.
        pair: String,
        /// The source.
        source_name: String,
        /// The pool.
        pool: &'static str,
    },
    /// A scenario without a name that can be one.
    #[error(
        "a [[scenario]] has the name `{name}`: expected a word or two without a comma, such as name = \"S1\"."
    )]
    ScenarioName {
        /// The name.
        name: String,
    },
    /// Two scenarios under one name.
    #[error("two scenarios are called `{name}`. Give one of them another name.")]
    SameScenario {
        /// The name.
        name: String,
    },
    /// A scenario that is not there.
    #[error("`scenarios` names `{name}`, but there is no such [[scenario]]. There are: {known}.")]
    NoScenario {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// A rule about pools that cannot be followed.
    #[error("`data.pairs`: {message}.")]
    PairRule {
        /// What is wrong, and what to do.
        message: String,
    },
    /// A folder of noises that is none.
    #[error(
        "`data.noises`: the folder {path} {problem}. Expected a folder for every noise, with test.wav and, where it is to have a model, train.wav, or sound files. Check the path (in a file it is relative to the file's folder, with --set to the current one). scripts/data/fetch noise makes data/full/noise."
    )]
    NoNoise {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two sources under one name.
    #[error(
        "two sources are called `{name}`, in `data.speakers` and `data.noises` or twice in one of them. Rename one."
    )]
    SameSource {
        /// The name.
        name: String,
    },
    /// An unknown source that is in no mixture.
    #[error(
        "`data.unknown` has {name}, which is in no mixture.{nearest} Expected \"noises\", \"speakers\", a place in the mixture from 1 on, or one of: {known}."
    )]
    NotMixed {
        /// What it has.
        name: String,
        /// A sentence with the nearest name.
        nearest: String,
        /// Names of all sources that are mixed.
        known: String,
    },
    /// A mixture of unknown sources only.
    #[error(
        "`data.unknown` leaves no model: nothing of `{pair}` is known, and nothing would tell its sources apart. Leave one of them out of `data.unknown`."
    )]
    NothingKnown {
        /// Names of its sources.
        pair: String,
    },
    /// Levels of more or fewer sources than are mixed.
    #[error(
        "`data.levels_db` has {}, and `{pair}` {}: expected one for every source, in their order, or an empty list.",
        nae_files::count(*.came, "level"), nae_files::count(*.expected, "source")
    )]
    Levels {
        /// Names of the sources.
        pair: String,
        /// How many levels there are.
        came: usize,
        /// How many sources.
        expected: usize,
    },
    /// A key of a grid without a value.
    #[error(
        "the grid of the system `{name}` gives `{key}` no value: expected a value, a list or a range, such as [10, 20] or \"10..=50 step 10\". Add one, or remove the key."
    )]
    EmptyAxis {
        /// The system.
        name: String,
        /// The key.
        key: String,
    },
    /// Grids of too many points.
    #[error(
        "the grids of all systems have {came} points together: at most {most} are expected. Vary fewer keys, give them fewer values, or divide the experiment."
    )]
    TooManyVariants {
        /// How many there are; the greatest number there is if there are more.
        came: usize,
        /// How many there may be.
        most: usize,
    },
    /// No seed.
    #[error(
        "`seeds` is empty: expected at least one. Try seeds = [0], or \"0..=4\" for five of them."
    )]
    NoSeed,
    /// A folder that is not there.
    #[error(
        "`{key}`: the folder {path} does not exist. Expected a folder that contains one folder per speaker, each with train/ and test/. Check the path (in a file it is relative to the file's folder, with --set to the current one). scripts/data/fetch makes data/full/speakers."
    )]
    NoFolder {
        /// The setting that names it.
        key: &'static str,
        /// The folder, as looked for.
        path: PathBuf,
    },
    /// No sound for one part of a speaker.
    #[error(
        "{speaker} has no {part} sound: {place}. Expected WAV, FLAC, MP3, Ogg, AAC or AIFF files; add some, or remove this speaker from `data.pairs`."
    )]
    NoSound {
        /// The speaker.
        speaker: String,
        /// `train` or `test`.
        part: &'static str,
        /// Where was looked.
        place: String,
    },
    /// No speaker at all.
    #[error(
        "there is no speaker: {place}. Expected folders with train/ and test/ under `data.speakers`, or [data.sources.NAME] with `train` and `test` lists of files."
    )]
    NoSpeaker {
        /// Where was looked.
        place: String,
    },
    /// Too little sound of one speaker.
    #[error(
        "{speaker} has {found_s:.1} s of {part} sound, but `{key}` requires {needed_s:.1} s. Add recordings of {speaker}, remove it from `data.pairs`, or lower `{key}`."
    )]
    TooLittle {
        /// The speaker.
        speaker: String,
        /// `train` or `test`.
        part: &'static str,
        /// Seconds there are.
        found_s: f64,
        /// Seconds required.
        needed_s: f64,
        /// The setting that requires it.
        key: &'static str,
    },
    /// A pair names an unknown speaker.
    #[error(
        "`data.pairs` names `{name}`, but there is no such speaker.{nearest} The speakers are: {known}."
    )]
    UnknownSpeaker {
        /// The name.
        name: String,
        /// A sentence with the nearest name.
        nearest: String,
        /// All names.
        known: String,
    },
    /// A pair of fewer than two, or one speaker twice.
    #[error(
        "`{pair}` in `data.pairs` is not a mixture: expected two or more different speakers, such as \"alice+bob\"."
    )]
    BadPair {
        /// What came.
        pair: String,
    },
    /// Mixed-sex pairs where a speaker's sex is unknown.
    #[error(
        "`data.pairs = \"mixed-sex\"` needs each speaker's sex, but that of {speaker} is not known. Give its folder a name that ends in _f or _m, or write [data.sources.{speaker}] sex = \"f\"."
    )]
    NoSex {
        /// The speaker.
        speaker: String,
    },
    /// A rule that gives no pair.
    #[error(
        "`data.pairs = \"{rule}\"` gives no pair for {known}. Add speakers, list the pairs ([\"a+b\"]), or write \"none\" to train only."
    )]
    NoPair {
        /// The rule.
        rule: String,
        /// All names.
        known: String,
    },
    /// The folder is not a planned run.
    #[error(
        "{path} is not a run: it has no {file}. Plan one first: `nae sweep plan EXPERIMENT.toml --out {}`.",
        shell_word(path)
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
    /// A manifest that cannot be read, or a value that cannot be written.
    #[error(
        "{path}: cannot be used ({message}); it was edited, damaged, or written by another version of nae. Plan again into the same folder, and finished cells are kept: `{}`.",
        plan_again(path)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        message: String,
    },
    /// The run folder went away under a worker.
    #[error(
        "{path}: the run folder was removed or renamed while it was worked on (it has no {file} now). Nothing was made in its place; start again in the folder where it is now, or plan it again: `nae sweep plan EXPERIMENT.toml --out {}`.",
        shell_word(path)
    )]
    RunGone {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
    /// Something else where the run keeps its results.
    #[error(
        "{path}: is not a folder, and the run keeps its results in a folder of that name. Rename or remove it, or mount what it links to, then run again."
    )]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A run folder with a name that cannot stand in messages, scripts and logs.
    #[error(
        "{path}: a run folder's path must not have line breaks or other control characters: they would break scripts and logs. Choose another name."
    )]
    RunPath {
        /// The path, escaped.
        path: String,
    },
    /// A path that Slurm cannot write logs to.
    #[error(
        "{path}: Slurm cannot write logs below a path with {what}. Rename the run folder, or the folder above it that has it."
    )]
    SlurmPath {
        /// The path, escaped.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A recording differs from the one the run was planned with.
    #[error(
        "{path} is not the recording the run was planned with (its checksum differs). Put the old file back, or plan again into the same folder: `nae sweep plan EXPERIMENT.toml --out RUN`."
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A share that does not exist.
    #[error(
        "there is no share {index} of {of}: shares count from 0, so expected an index below {of}."
    )]
    Share {
        /// The index.
        index: usize,
        /// Number of shares.
        of: usize,
    },
    /// The computation of a cell panicked: a bug, or a device that fails.
    #[error("the computation panicked: {0}. Try `--device cpu`, and report it if that fails too.")]
    Panicked(String),
    /// The observer asked to stop.
    #[error("stopped before the cell was finished; run again to resume")]
    Stopped,
    /// The table could not be encoded.
    #[error("the table cannot be written as {format}: {message}")]
    Table {
        /// CSV or Parquet.
        format: &'static str,
        /// The encoder's words.
        message: String,
    },
    /// Threads could not be started.
    #[error("cannot start worker threads: {0}. Try fewer: --jobs 1.")]
    Threads(String),
    /// Files.
    #[error(transparent)]
    File(#[from] FileError),
    /// Sound.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Models and their settings.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Separation.
    #[error(transparent)]
    Separate(#[from] SeparateError),
    /// Joint encoders.
    #[error(transparent)]
    Joint(#[from] JointError),
    /// Scores.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// The command that plans a run again, by the path of a file in its folder.
fn plan_again(file: &Path) -> String {
    let run = file.parent().unwrap_or(Path::new("."));
    let experiment = run.join("experiment.toml");
    let out = format!("--out {}", shell_word(run));
    nae_files::command("sweep plan", &experiment, &out)
}

impl SweepError {
    /// Whether it is that of a file on a network, and may pass.
    pub(crate) fn is_transient(&self) -> bool {
        use {JointError as J, ModelError as M, TrainError as T};
        let file = match self {
            Self::Io { error, .. } => return is_transient(error),
            Self::File(file)
            | Self::Audio(AudioError::File(file))
            | Self::Model(M::File(file) | M::Audio(AudioError::File(file)))
            | Self::Train(
                T::File(file) | T::Audio(AudioError::File(file)) | T::Model(M::File(file)),
            )
            | Self::Joint(
                J::File(file) | J::Model(M::File(file)) | J::Audio(AudioError::File(file)),
            ) => file,
            _ => return false,
        };
        matches!(file, FileError::Io { error, .. } if is_transient(error))
    }

    /// An error of the operating system.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io {
            action,
            path,
            error,
        }
    }
}
