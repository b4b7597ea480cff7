//! The JSON schema of the file, for editors: shapes from the types that are read, words and defaults from the sample.

use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use toml::de::ValueDeserializer;

use super::{RawConfig, entries::CHAIN_DEFAULTS, keys};

/// The schema (draft 7, which editors of TOML understand). Secrets are `writeOnly`.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<RawConfig>().to_value();
    without_null(&mut schema);
    describe("", &mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), "poolnode configuration".into());
        root.insert(
            "description".to_owned(),
            "Every key is documented by `poolnode config generate --env dev`.".into(),
        );
    }
    schema
}

/// TOML has no null: a key that may be left out is left out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove("default");
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice != &json!({"type": "null"}));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    object.extend(only);
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(list) => list.iter_mut().for_each(without_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives keys and sections below this one their words.
fn describe(section: &str, schema: &mut Value) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, property) in properties {
        let path = keys::join(section, name);
        match property {
            Value::Object(key) if keys::is_section(&path) => {
                key.insert("description".to_owned(), format!("[{path}]").into());
                describe(&path, property);
                if let Some(items) = property.get_mut("items") {
                    describe(&path, items);
                }
            }
            Value::Object(key) => describe_key(&path, key),
            _ => {}
        }
    }
}

fn describe_key(path: &str, schema: &mut Map<String, Value>) {
    let Some(key) = keys::find(path) else { return };
    schema.insert("description".to_owned(), key.doc.as_str().into());
    if keys::is_secret(path) {
        schema.insert("writeOnly".to_owned(), true.into());
        return;
    }
    let value = ValueDeserializer::parse(key.value).and_then(Value::deserialize).unwrap_or_default();
    // What the sample shows as a default of the devnet is only an example elsewhere.
    if key.is_example || CHAIN_DEFAULTS.contains(&path) {
        schema.insert("examples".to_owned(), json!([value]));
    } else {
        schema.insert("default".to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The keys that the schema has.
    fn keys_of(section: &str, schema: &Value, found: &mut BTreeSet<String>) {
        let Some(properties) = schema["properties"].as_object() else {
            found.insert(section.to_owned());
            return;
        };
        for (name, property) in properties {
            let below = if property["items"]["properties"].is_object() { &property["items"] } else { property };
            keys_of(&keys::join(section, name), below, found);
        }
    }

    #[test]
    fn the_sample_documents_every_key_that_is_read() {
        let mut read = BTreeSet::new();
        keys_of("", &schema(), &mut read);
        read.retain(|key| !key.starts_with(keys::FALLBACK) || key == "parent.fallback.rpc_url");
        let known: BTreeSet<String> = keys::known().iter().map(|key| key.path.clone()).collect();
        assert_eq!(read, known);
    }

    #[test]
    fn the_schema_says_what_a_key_is() {
        let schema = schema();
        let stratum = &schema["properties"]["stratum"]["properties"];
        assert_eq!((&stratum["tls"]["type"], &stratum["tls"]["default"]), (&"boolean".into(), &true.into()));
        assert_eq!(stratum["listen"]["examples"][0], "127.0.0.1:23336");
        assert_eq!(stratum["password"]["writeOnly"], true);
        assert!(stratum["password"].get("examples").is_none());
        let fallback = &schema["properties"]["parent"]["properties"]["fallback"]["items"]["properties"];
        assert_eq!(fallback["rpc_password"]["writeOnly"], true);
        assert_eq!(schema["additionalProperties"], false);
        assert!(!schema.to_string().contains("null"));
    }

    #[test]
    fn the_committed_schema_is_this_one() {
        let committed: Value = serde_json::from_str(include_str!("../../../docs/config.schema.json")).unwrap();
        assert!(committed == schema(), "write it anew: poolnode config schema > docs/config.schema.json");
    }
}
