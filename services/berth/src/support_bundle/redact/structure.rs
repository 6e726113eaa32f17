//! JSON, masked by what its fields are; only what is left is searched as text.

use serde_json::{Map, Value};

use super::{MASKED, Redactor};

impl Redactor {
    /// Masks a document. Strings are searched as they are, without the escapes of JSON.
    pub(in super::super) fn redact_json(&self, document: &mut Value) {
        self.field("", document);
    }

    fn field(&self, name: &str, value: &mut Value) {
        match value {
            Value::String(_) | Value::Number(_) if self.names.is_secret(name) => mask(value),
            Value::String(text) => *text = self.redact(text.as_bytes()),
            // A number that nothing but its name tells from others.
            Value::Number(number) => {
                let named = format!("{name}={number}");
                if self.redact(named.as_bytes()) != named {
                    mask(value);
                }
            }
            Value::Array(items) => self.items(name, items),
            Value::Object(fields) => self.object(fields),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The elements of a list: perhaps the words of a command.
    fn items(&self, name: &str, items: &mut [Value]) {
        let mut follows = false;
        for item in items {
            let option = item.as_str().is_some_and(|word| self.names.is_option(word));
            if follows && item.is_string() {
                mask(item);
            } else {
                self.field(name, item);
            }
            follows = option;
        }
    }

    fn object(&self, fields: &mut Map<String, Value>) {
        let name = fields.get("name").and_then(Value::as_str);
        if let Some(name) = name.map(str::to_owned)
            && let Some(value) = fields.get_mut("value")
        {
            self.variable(&name, value);
        }
        for (name, mut value) in std::mem::take(fields) {
            if name == "binaryData" {
                each(&mut value);
            } else {
                self.field(&name, &mut value);
            }
            fields.insert(self.redact(name.as_bytes()), value);
        }
    }

    /// An environment variable: of those that are not Berth's nobody knows what they hold.
    fn variable(&self, name: &str, value: &mut Value) {
        if name.starts_with("BERTH__") {
            self.field(name, value);
        } else {
            mask(value);
        }
    }
}

fn each(values: &mut Value) {
    for value in values.as_object_mut().into_iter().flat_map(Map::values_mut) {
        mask(value);
    }
}

fn mask(value: &mut Value) {
    *value = Value::from(MASKED);
}
