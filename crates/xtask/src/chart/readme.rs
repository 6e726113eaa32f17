//! The table of values, made from the comments in `values.yaml`.

use anyhow::{Context as _, Result, ensure};

const BEGIN: &str = "<!-- values: made by cargo xtask chart -->\n";
const END: &str = "<!-- end of values -->\n";

/// The page with a new table between its marks.
pub(super) fn with_table(page: &str, values: &str) -> Result<String> {
    let (head, rest) = page
        .split_once(BEGIN)
        .context("the chart's README has no mark where its table begins")?;
    let (_, tail) = rest
        .split_once(END)
        .context("the chart's README has no mark where its table ends")?;
    Ok(format!("{head}{BEGIN}{}{END}{tail}", table(values)?))
}

/// One heading a section (`# == …`), one row a documented value (`# -- …` above its key).
fn table(values: &str) -> Result<String> {
    let mut text = String::new();
    let mut path = Vec::<(usize, &str)>::new();
    let mut meaning = String::new();
    let mut documented = Vec::<String>::new();
    for line in values.lines() {
        let content = line.trim_start();
        let depth = line.len() - content.len();
        if let Some(section) = content.strip_prefix("# == ") {
            text.push_str(&format!(
                "\n### {section}\n\n| Value | Meaning | Default |\n|---|---|---|\n"
            ));
        } else if let Some(words) = content.strip_prefix("# -- ") {
            meaning = words.to_owned();
        } else if let Some(words) = content.strip_prefix("# ") {
            if !meaning.is_empty() {
                meaning.push(' ');
                meaning.push_str(words);
            }
        } else if content.is_empty() {
            ensure!(meaning.is_empty(), "nothing follows the comment: {meaning}");
        } else if !content.starts_with("- ") {
            let (key, default) = content
                .split_once(':')
                .with_context(|| format!("no key in {line:?}"))?;
            path.retain(|(above, _)| *above < depth);
            path.push((depth, key));
            let name = path
                .iter()
                .map(|(_, key)| *key)
                .collect::<Vec<_>>()
                .join(".");
            let default = default.trim();
            if !meaning.is_empty() {
                let default = match default {
                    "" => "see `values.yaml`".to_owned(),
                    "null" => "–".to_owned(),
                    default => format!("`{default}`"),
                };
                text.push_str(&format!(
                    "| `{name}` | {} | {default} |\n",
                    meaning.replace('|', "\\|")
                ));
                documented.push(name);
                meaning.clear();
                continue;
            }
            // Only a key above others, or below a documented one, goes without words of its own.
            let within = documented
                .iter()
                .any(|above| name.starts_with(&format!("{above}.")));
            ensure!(default.is_empty() || within, "{name} has no comment");
        }
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_their_path() {
        let values =
            "# == A\n\na:\n  # -- Says\n  # more.\n  b: \"x\"\n  # -- List.\n  c:\n    - d: {}\n";
        let table = table(values).unwrap();
        assert!(table.contains("### A"), "{table}");
        assert!(
            table.contains("| `a.b` | Says more. | `\"x\"` |"),
            "{table}"
        );
        assert!(
            table.contains("| `a.c` | List. | see `values.yaml` |"),
            "{table}"
        );
    }

    #[test]
    fn a_value_without_words_is_refused() {
        assert!(table("a:\n  b: 1\n").is_err());
    }
}
