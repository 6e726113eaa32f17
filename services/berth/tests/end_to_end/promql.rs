//! Whether expressions name only what a scrape shows.

use std::collections::{BTreeMap, BTreeSet};

use cause::Cause;
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};

/// Series names with their labels, and the values of those.
#[derive(Debug, Default)]
pub(crate) struct Shown(BTreeMap<String, Labels>);

type Labels = BTreeMap<String, BTreeSet<String>>;

impl Shown {
    /// Takes a page of metrics in.
    pub(crate) fn add_page(&mut self, page: &str) {
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let end = line.find(['{', ' ']).expect("a name and a value");
            let labels = self.0.entry(line[..end].to_owned()).or_default();
            for (label, value) in labels_of(&line[end..]) {
                labels.entry(label).or_default().insert(value);
            }
        }
    }

    /// Adds what the scraper adds to every series, and its own. Their values are of the place.
    pub(crate) fn scraped_with(mut self, labels: &[&str]) -> Self {
        self.0.insert("up".to_owned(), Labels::new());
        for shown in self.0.values_mut() {
            for label in labels {
                shown.insert((*label).to_owned(), BTreeSet::new());
            }
        }
        self
    }

    /// Parses an expression and answers what it names and is not there.
    pub(crate) fn check(&self, expression: &str) -> Result<(), String> {
        let parsed = parser::parse(expression)?;
        self.labels(&parsed).map(drop)
    }

    /// The labels that the series of an expression have.
    fn labels(&self, expression: &Expr) -> Result<BTreeSet<String>, String> {
        match expression {
            Expr::VectorSelector(selector) => self.selected(selector),
            Expr::MatrixSelector(matrix) => self.selected(&matrix.vs),
            Expr::Aggregate(aggregate) => {
                let labels = self.labels(&aggregate.expr)?;
                match &aggregate.modifier {
                    None => Ok(BTreeSet::new()),
                    Some(LabelModifier::Include(kept)) => {
                        known(&kept.labels, &labels)?;
                        Ok(kept.labels.iter().cloned().collect())
                    }
                    Some(LabelModifier::Exclude(left)) => {
                        known(&left.labels, &labels)?;
                        Ok(labels)
                    }
                }
            }
            Expr::Binary(binary) => {
                let mut labels = self.labels(&binary.lhs)?;
                labels.extend(self.labels(&binary.rhs)?);
                let matching = binary.modifier.as_ref().and_then(|it| it.matching.as_ref());
                if let Some(matching) = matching {
                    known(&matching.labels().labels, &labels)?;
                }
                Ok(labels)
            }
            Expr::Call(call) => {
                let mut labels = BTreeSet::new();
                for argument in &call.args.args {
                    labels.extend(self.labels(argument)?);
                }
                Ok(labels)
            }
            Expr::Paren(inner) => self.labels(&inner.expr),
            Expr::Unary(inner) => self.labels(&inner.expr),
            Expr::Subquery(inner) => self.labels(&inner.expr),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(BTreeSet::new()),
            Expr::Extension(_) => Err("an extension of the language".to_owned()),
        }
    }

    fn selected(&self, selector: &VectorSelector) -> Result<BTreeSet<String>, String> {
        let (names, others): (Vec<&Matcher>, Vec<&Matcher>) = selector
            .matchers
            .matchers
            .iter()
            .partition(|matcher| matcher.name == "__name__");
        let wanted = |name: &str| {
            selector.name.as_ref().is_none_or(|wanted| wanted == name)
                && names.iter().all(|matcher| matcher.is_match(name))
        };
        let mut values = Labels::new();
        let mut found = false;
        for (_, shown) in self.0.iter().filter(|(name, _)| wanted(name)) {
            found = true;
            for (label, some) in shown {
                let all = values.entry(label.clone()).or_default();
                all.extend(some.iter().cloned());
            }
        }
        if !found {
            return Err(format!("no metric for {selector}"));
        }
        let labels = values.keys().cloned().collect();
        let asked: Vec<String> = others.iter().map(|it| it.name.clone()).collect();
        known(&asked, &labels)?;
        for matcher in others {
            known_values(matcher, &values[&matcher.name])?;
        }
        Ok(labels)
    }
}

/// Each value that a selector spells out is shown, or is a cause; where it has a pattern, something fits.
fn known_values(matcher: &Matcher, shown: &BTreeSet<String>) -> Result<(), String> {
    if shown.is_empty() {
        return Ok(());
    }
    let is_word = |text: &str| {
        text.chars()
            .all(|it| it.is_alphanumeric() || "_-".contains(it))
    };
    let is_there = |value: &str| match matcher.name.as_str() {
        "cause" => Cause::from_name(value).is_some() || NO_CAUSE.contains(&value),
        _ => shown.contains(value),
    };
    let words: Vec<_> = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.as_str()],
        MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
    };
    if words.iter().all(|word| is_word(word)) {
        match words.iter().find(|word| !is_there(word)) {
            Some(word) => Err(format!("no {word} among {shown:?} of {matcher}")),
            None => Ok(()),
        }
    } else if shown.iter().any(|value| matcher.is_match(value)) {
        Ok(())
    } else {
        Err(format!("nothing of {shown:?} fits {matcher}"))
    }
}

/// What stands in place of a cause.
const NO_CAUSE: [&str; 2] = ["NONE", "CANCELLED"];

fn known(asked: &[String], labels: &BTreeSet<String>) -> Result<(), String> {
    match asked.iter().find(|label| !labels.contains(*label)) {
        Some(label) => Err(format!("no label {label} among {labels:?}")),
        None => Ok(()),
    }
}

/// The names and values of `{a="…",b="…"} 1`.
fn labels_of(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let Some(mut rest) = text.strip_prefix('{') else {
        return labels;
    };
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut escaped = false;
        let end = after.find(|next| {
            let ends = next == '"' && !escaped;
            escaped = next == '\\' && !escaped;
            ends
        });
        let (value, after) = after.split_at(end.expect("a value ends"));
        labels.push((name.trim_start_matches(',').to_owned(), value.to_owned()));
        rest = &after[1..];
        if rest.starts_with('}') {
            break;
        }
    }
    labels
}

#[test]
fn what_a_scrape_does_not_show_is_found() {
    let mut shown = Shown::default();
    shown.add_page(
        "# TYPE a counter\na_total{x=\"1,\\\"}\",y=\"2\"} 1 # {trace_id=\"f\"} 1\nb 2\n\
         c{y=\"3\",cause=\"NONE\"} 1\n# EOF\n",
    );
    let shown = shown.scraped_with(&["instance"]);
    for right in [
        "sum by (x, instance) (rate(a_total{y=~\"2|2\",x=~\"1.+\"}[5m])) / 2",
        "{__name__=~\"a_.+|c\",y=~\"2|3\"} or 0 * up{instance=\"here\"}",
        "c{cause=~\"INTERNAL|CANCELLED\"} unless c{cause!=\"NONE\"} offset 5m",
        "max(b) by (instance)",
    ] {
        assert_eq!(shown.check(right), Ok(()), "{right}");
    }
    for wrong in [
        "a",
        "rate(a_total[5m)",
        "a_total{z=\"1\"}",
        "sum by (x) (b)",
        "sum by (y) (sum by (x) (a_total))",
        "{__name__=~\"d.*\"}",
        "a_total{y=\"3\"}",
        "a_total{y=~\"2|3\"}",
        "a_total{y!=\"3\"}",
        "a_total{x=~\"2.+\"}",
        "c{cause=~\"NONE|INTERNALS\"}",
        "a_total{trace_id=\"f\"}",
    ] {
        assert!(shown.check(wrong).is_err(), "{wrong}");
    }
}
