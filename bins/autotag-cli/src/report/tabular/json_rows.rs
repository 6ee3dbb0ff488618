//! JSON: one object a row. Objects follow each other, are in an array, or are in one of the lists that answers of AWS have.

use super::rows::{Cells, Sink, Wanted};
use anyhow::{Result, anyhow};
use autotag_model::json_error::fault;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::io::{self, BufRead};

/// Lists of resources in answers of `GetResources`, Resource Explorer's `Search`, AWS Config's `SelectResourceConfig`, and in its
/// snapshots.
const LISTS: [&str; 5] =
    ["ResourceTagMappingList", "Resources", "Results", "configurationItems", "resources"];

pub(super) fn read(input: impl BufRead, wanted: Wanted<'_>, sink: &mut Sink<'_>) -> Result<()> {
    sink.read.found = vec![true; wanted.columns.len()];
    let mut values = serde_json::Deserializer::from_reader(input);
    while !at_end(&mut values)? {
        Items { wanted, sink: &mut *sink }.deserialize(&mut values).map_err(in_words)?;
    }
    Ok(())
}

/// An error in words. Those of the file system and of the decoder of gzip stay.
fn in_words(error: serde_json::Error) -> anyhow::Error {
    if error.is_io() {
        return io::Error::from(error).into();
    }
    let (line, column) = (error.line(), error.column());
    anyhow!("line {line}, column {column}: {}", fault(&error, "a list of JSON objects"))
}

fn at_end<R: serde_json::de::Read<'static>>(values: &mut serde_json::Deserializer<R>) -> Result<bool> {
    match values.end() {
        Ok(()) => Ok(true),
        // Something follows.
        Err(error) if error.is_syntax() => Ok(false),
        Err(error) => Err(in_words(error)),
    }
}

/// Takes the objects one by one, however long their list is.
struct Items<'i, 'v, 'w> {
    wanted: Wanted<'w>,
    sink: &'i mut Sink<'v>,
}

impl Items<'_, '_, '_> {
    fn row(&mut self, object: &Map<String, Value>) {
        let names: Vec<String> = object.keys().cloned().collect();
        // Objects of one list may have different keys.
        let places = match self.wanted.places(&names) {
            Ok(places) => places,
            Err(error) => return self.sink.fault(&format!("{error:#}")),
        };
        let cell = |place: Option<usize>| object.values().nth(place?).and_then(cell);
        let cells = Cells { values: places.into_iter().map(cell).collect(), tags: Vec::new() };
        self.sink.row(&cells);
    }

    fn value(&mut self, value: Value) {
        match value {
            Value::Object(object) => self.row(&object),
            // AWS Config answers with objects in strings.
            Value::String(text) => match serde_json::from_str(&text) {
                Ok(Value::Object(object)) => self.row(&object),
                _ => self.not_an_object(),
            },
            _ => self.not_an_object(),
        }
    }

    fn not_an_object(&mut self) {
        self.sink.read.rows += 1;
        self.sink.fault("it is not a JSON object");
    }
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON objects, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            self.value(value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        let mut own = Map::new();
        let mut has_list = false;
        while let Some(key) = object.next_key::<String>()? {
            if LISTS.contains(&key.as_str()) {
                has_list = true;
                object.next_value_seed(Items { wanted: self.wanted, sink: &mut *self.sink })?;
            } else {
                own.insert(key, object.next_value()?);
            }
        }
        if !has_list {
            self.row(&own);
        }
        Ok(())
    }
}
