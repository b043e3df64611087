//! A table of named columns, as CSV and as Parquet.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use crate::error::SweepError;

/// One value; a missing one is an empty field in CSV and a null in Parquet.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Missing,
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
}

impl Value {
    /// The value as a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Missing | Self::Text(_) => None,
        }
    }
}

impl From<Option<f64>> for Value {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Missing, Self::Number)
    }
}

/// Rows of equal length under names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Number,
}

impl Table {
    /// Joins rows whose columns may differ: a name stands where its first row has it, after the
    /// names before it there.
    pub fn of_rows(rows: Vec<Vec<(String, Value)>>) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for row in &rows {
            let mut after = 0;
            for (name, _) in row {
                if let Some(place) = names
                    .iter()
                    .position(|known| known == name)
                    .filter(|_| known.contains_key(name))
                {
                    after = place + 1;
                } else {
                    names.insert(after, name.clone());
                    known.insert(name.clone(), ());
                    after += 1;
                }
            }
        }
        let rows = rows
            .into_iter()
            .map(|row| {
                let mut cells: std::collections::HashMap<String, Value> = row.into_iter().collect();
                names
                    .iter()
                    .map(|name| cells.remove(name).unwrap_or(Value::Missing))
                    .collect()
            })
            .collect();
        Self { names, rows }
    }

    /// The columns' names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The rows, each as long as there are names.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }

    /// A row's value under a name.
    pub fn get<'a>(&self, row: &'a [Value], name: &str) -> &'a Value {
        let place = self.names.iter().position(|known| known == name);
        place
            .and_then(|place| row.get(place))
            .unwrap_or(&Value::Missing)
    }

    /// As comma-separated values with a line of names.
    ///
    /// # Errors
    /// [`SweepError::Table`] if it cannot be encoded.
    pub fn to_csv(&self) -> Result<Vec<u8>, SweepError> {
        let bad = |message: String| SweepError::Table {
            format: "CSV",
            message,
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let text = |value: &Value| match value {
            Value::Missing => String::new(),
            Value::Text(text) => text.clone(),
            Value::Integer(value) => value.to_string(),
            // as many digits as are needed to read the same number again
            Value::Number(value) => value.to_string(),
        };
        writer
            .write_record(&self.names)
            .map_err(|error| bad(error.to_string()))?;
        for row in &self.rows {
            writer
                .write_record(row.iter().map(text))
                .map_err(|error| bad(error.to_string()))?;
        }
        writer.into_inner().map_err(|error| bad(error.to_string()))
    }

    /// As Parquet: text, 64-bit integers and double-precision numbers, all optional, uncompressed.
    ///
    /// # Errors
    /// [`SweepError::Table`] if it cannot be encoded.
    pub fn to_parquet(&self) -> Result<Vec<u8>, SweepError> {
        self.parquet().map_err(|error| SweepError::Table {
            format: "Parquet",
            message: error.to_string(),
        })
    }

    fn parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let kinds: Vec<Kind> = (0..self.names.len()).map(|i| self.kind(i)).collect();
        let field = |(name, kind): (&String, &Kind)| {
            let physical = match kind {
                Kind::Text => Physical::BYTE_ARRAY,
                Kind::Integer => Physical::INT64,
                Kind::Number => Physical::DOUBLE,
            };
            let field = Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type((*kind == Kind::Text).then_some(LogicalType::String));
            field.build().map(Arc::new)
        };
        let fields = self
            .names
            .iter()
            .zip(&kinds)
            .map(field)
            .collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("schema")
            .with_fields(fields)
            .build()?;
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
        let mut group = writer.next_row_group()?;
        for (i, kind) in kinds.iter().enumerate() {
            match kind {
                Kind::Text => self.column::<ByteArrayType>(&mut group, i, |value| match value {
                    Value::Text(text) => Some(ByteArray::from(text.as_str())),
                    _ => None,
                })?,
                Kind::Integer => self.column::<Int64Type>(&mut group, i, |value| match value {
                    Value::Integer(value) => Some(*value),
                    _ => None,
                })?,
                Kind::Number => self.column::<DoubleType>(&mut group, i, Value::number)?,
            }
        }
        group.close()?;
        writer.into_inner()
    }

    /// Integers with numbers among them are numbers; a column with any text is text.
    fn kind(&self, column: usize) -> Kind {
        let values = self
            .rows
            .iter()
            .map(|row| &row[column])
            .filter(|value| **value != Value::Missing);
        let mut kind = None;
        for value in values {
            kind = Some(match (kind, value) {
                (Some(Kind::Text), _) | (_, Value::Text(_)) => Kind::Text,
                (Some(Kind::Number), _) | (_, Value::Number(_)) => Kind::Number,
                _ => Kind::Integer,
            });
        }
        kind.unwrap_or(Kind::Number)
    }

    fn column<T: DataType>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
        column: usize,
        pick: impl Fn(&Value) -> Option<T::T>,
    ) -> Result<(), ParquetError> {
        let picked: Vec<Option<T::T>> = self.rows.iter().map(|row| pick(&row[column])).collect();
        let levels: Vec<i16> = picked
            .iter()
            .map(|value| i16::from(value.is_some()))
            .collect();
        let values: Vec<T::T> = picked.into_iter().flatten().collect();
        if let Some(mut writer) = group.next_column()? {
            writer
                .typed::<T>()
                .write_batch(&values, Some(&levels), None)?;
            writer.close()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    fn table() -> Table {
        let text = |text: &str| Value::Text(text.into());
        Table::of_rows(vec![
            vec![
                ("a".into(), text("x, \"y\"")),
                ("b".into(), Value::Integer(1)),
                ("d".into(), Value::Number(0.1)),
            ],
            vec![
                ("a".into(), text("z")),
                ("c".into(), Value::Number(1e-7)),
                ("d".into(), Value::Integer(2)),
            ],
        ])
    }

    #[test]
    fn columns_of_later_rows_stand_beside_their_neighbours() {
        let table = table();
        assert_eq!(table.names(), ["a", "c", "b", "d"]);
        assert_eq!(*table.get(&table.rows()[1], "b"), Value::Missing);
        assert_eq!(*table.get(&table.rows()[0], "nothing"), Value::Missing);
    }

    #[test]
    fn csv_quotes_and_keeps_every_digit() {
        let text = String::from_utf8(table().to_csv().unwrap()).unwrap();
        assert_eq!(text, "a,c,b,d\n\"x, \"\"y\"\"\",,1,0.1\nz,0.0000001,,2\n");
    }

    #[test]
    fn parquet_reads_back_with_types_and_nulls() {
        let bytes = bytes::Bytes::from(table().to_parquet().unwrap());
        let reader = SerializedFileReader::new(bytes).unwrap();
        let rows: Vec<Vec<(String, Field)>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().into_columns())
            .collect();
        let field = |row: usize, name: &str| {
            rows[row]
                .iter()
                .find(|(known, _)| known == name)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(field(0, "a"), Field::Str("x, \"y\"".into()));
        assert_eq!(
            (field(0, "b"), field(1, "b")),
            (Field::Long(1), Field::Null)
        );
        assert_eq!(
            (field(0, "d"), field(1, "d")),
            (Field::Double(0.1), Field::Double(2.0))
        );
        assert_eq!(
            (field(0, "c"), field(1, "c")),
            (Field::Null, Field::Double(1e-7))
        );
    }

    #[test]
    fn a_table_without_rows_is_a_table() {
        let empty = Table::of_rows(Vec::new());
        assert!(empty.names().is_empty() && empty.rows().is_empty());
    }
}
