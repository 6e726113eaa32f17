//! The part of the schema that keeps sections whole.

use serde_json::{Value, json};
use yaml_rust2::Yaml;

/// Makes each section keep the keys that it has in `values.yaml`. A section with everything below it commented out is
/// null, and helm drops what is null: templates would fail without a word of which value is missing.
pub(super) fn keep(schema: &mut Value, values: &Yaml) {
    if !schema.is_object() {
        // What is said elsewhere is only listed: `true`.
        *schema = json!({});
    }
    // Before helm 3.18 nothing is seen beside a reference.
    let reference = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("$ref"));
    if let Some(reference) = reference {
        schema["allOf"] = json!([{"$ref": reference}]);
    }
    let mut required = Vec::new();
    for (key, default) in values.as_hash().into_iter().flatten() {
        let Some(key) = key.as_str() else { continue };
        // What is empty anyway may be left out, and requests and limits may be taken away.
        if is_empty(default) || key == "resources" {
            continue;
        }
        required.push(key);
        if default.is_hash() {
            keep(&mut schema["properties"][key], default);
        }
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
}

fn is_empty(default: &Yaml) -> bool {
    match default {
        Yaml::Null => true,
        Yaml::String(text) => text.is_empty(),
        Yaml::Array(items) => items.is_empty(),
        Yaml::Hash(section) => section.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use yaml_rust2::YamlLoader;

    use super::*;

    #[test]
    fn a_section_keeps_what_has_a_value() {
        let values = "a: {b: 1, c: '', d: ~, e: {}, f: []}\nresources: {limits: {memory: 1Gi}}\n";
        let mut schema = json!({"properties": {"a": {"$ref": "#/$defs/a"}, "resources": true}});
        keep(&mut schema, &YamlLoader::load_from_str(values).unwrap()[0]);
        let a = json!({"allOf": [{"$ref": "#/$defs/a"}], "required": ["b"]});
        assert_eq!(
            schema,
            json!({"properties": {"a": a, "resources": true}, "required": ["a"]})
        );
    }
}
