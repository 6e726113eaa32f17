//! The part of the Dockerfile language that arranges files which are already built.
//!
//! Engines read the same files. Whatever is not understood here is refused, so that both ways make the same image.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

/// How an image is put together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// The image it starts from; none for `scratch`.
    pub(crate) base: Option<String>,
    /// What is copied from the context, and where to; each is a layer.
    pub(crate) copies: Vec<Copy>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) user: Option<String>,
    pub(crate) entrypoint: Option<Vec<String>>,
}

/// A file, or the content of a folder if its name ends with `/`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) source: String,
    pub(crate) destination: String,
}

impl Recipe {
    /// Reads a recipe; `arguments` are the values of its `ARG`s.
    pub(crate) fn parse(text: &str, arguments: &BTreeMap<&str, String>) -> Result<Self> {
        let mut recipe = Self::default();
        let mut declared = BTreeMap::new();
        let mut has_begun = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "ARG" if !has_begun => {
                    let (name, default) = rest.split_once('=').unwrap_or((rest, ""));
                    let value = arguments.get(name).cloned();
                    declared.insert(name, value.unwrap_or_else(|| default.to_owned()));
                }
                "FROM" if !has_begun => {
                    has_begun = true;
                    recipe.base = base(rest, &declared)?;
                }
                _ if has_begun => recipe.instruction(word, rest.trim()).with_context(|| {
                    format!("line {}: {line}: not known to the own writer", number + 1)
                })?,
                _ => bail!("line {}: nothing but ARG comes before FROM", number + 1),
            }
        }
        if !has_begun {
            bail!("a recipe begins with FROM");
        }
        Ok(recipe)
    }

    fn instruction(&mut self, word: &str, rest: &str) -> Result<()> {
        match word {
            "COPY" => {
                let (source, destination) =
                    rest.split_once(' ').context("two paths are expected")?;
                if source.starts_with('-') || destination.contains(' ') {
                    bail!("exactly two paths are expected");
                }
                if !destination.starts_with('/') {
                    bail!("the destination is not absolute");
                }
                self.copies.push(Copy {
                    source: source.to_owned(),
                    destination: destination.to_owned(),
                });
            }
            "LABEL" => {
                let (name, value) = rest.split_once('=').context("name=\"value\" is expected")?;
                let value = serde_json::from_str(value).context("a quoted value is expected")?;
                self.labels.insert(name.to_owned(), value);
            }
            "USER" => self.user = Some(rest.to_owned()),
            "ENTRYPOINT" => {
                let words = serde_json::from_str(rest).context("a list of words is expected")?;
                self.entrypoint = Some(words);
            }
            _ => bail!("an unknown instruction"),
        }
        Ok(())
    }
}

fn base(name: &str, declared: &BTreeMap<&str, String>) -> Result<Option<String>> {
    let variable = name.strip_prefix("${").and_then(|n| n.strip_suffix('}'));
    Ok(match variable {
        Some(variable) => Some(
            declared
                .get(variable)
                .with_context(|| format!("{variable} is not declared by ARG"))?
                .clone(),
        ),
        None if name == "scratch" => None,
        None => Some(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_of_the_project_is_understood() {
        for (name, is_scratch) in [
            ("berth", true),
            ("berth-devices", false),
            ("berth-store", true),
            ("berth-e2e", true),
        ] {
            let file = crate::run::root().join(format!("docker/{name}.Dockerfile"));
            let text = std::fs::read_to_string(file).unwrap();
            let arguments = BTreeMap::from([("BERTH", "localhost/berth:1".to_owned())]);
            let recipe = Recipe::parse(&text, &arguments).unwrap();
            assert_eq!(recipe.base.is_none(), is_scratch, "{name}");
            assert!(recipe.entrypoint.is_some(), "{name}");
            // What starts from another image keeps its user.
            assert_eq!(
                recipe.user,
                is_scratch.then(|| "65532:65532".to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_the_own_writer_cannot_do_is_refused_by_its_line() {
        for text in [
            "FROM scratch\nRUN true",
            "FROM scratch\nCOPY --chmod=0755 a /a",
            "FROM scratch\nCOPY a b /c",
            "FROM scratch\nCOPY a b",
            "FROM scratch\nENTRYPOINT /berth",
            "FROM scratch\nENV A=b",
        ] {
            let error = Recipe::parse(text, &BTreeMap::new()).unwrap_err();
            assert!(format!("{error:#}").contains("line 2"), "{text}: {error:#}");
        }
        for text in ["", "USER 1", "FROM ${MISSING}"] {
            Recipe::parse(text, &BTreeMap::new()).unwrap_err();
        }
    }
}
