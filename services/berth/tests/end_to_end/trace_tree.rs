//! The spans of all processes as the trees that they form.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::telemetry::Traced;

/// All spans by their parents.
pub(crate) struct Traces {
    pub(crate) spans: Vec<Traced>,
    below: HashMap<(String, String), Vec<usize>>,
    /// What was looked for and found.
    asserted: RefCell<BTreeSet<String>>,
}

impl Traces {
    pub(crate) fn new(spans: Vec<Traced>) -> Self {
        let mut below: HashMap<_, Vec<_>> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            let place = (span.trace_id.clone(), span.parent.clone());
            below.entry(place).or_default().push(index);
        }
        Self {
            spans,
            below,
            asserted: RefCell::default(),
        }
    }

    /// The spans of a path, each the child of the one before; the first below `parent` of a trace.
    pub(crate) fn ends(&self, trace: &str, parent: &str, path: &[(&str, &str)]) -> Vec<&Traced> {
        let Some(((service, name), rest)) = path.split_first() else {
            return Vec::new();
        };
        let place = (trace.to_owned(), parent.to_owned());
        let children = self.below.get(&place).into_iter().flatten();
        children
            .map(|index| &self.spans[*index])
            .filter(|span| span.service == *service && span.name == *name)
            .flat_map(|span| match rest {
                [] => vec![span],
                _ => self.ends(trace, &span.span_id, rest),
            })
            .collect()
    }

    /// There is such a path; a name alone stands for the call of a procedure of another function.
    pub(crate) fn assert_path(
        &self,
        trace: &str,
        parent: &str,
        parts: &[&[(&str, &str)]],
    ) -> &Traced {
        let path: Vec<_> = parts.concat();
        let ends = self.ends(trace, parent, &path);
        let tree = || {
            let mut lines = Vec::new();
            self.draw(trace, parent, 0, &mut lines);
            lines.join("\n")
        };
        assert!(!ends.is_empty(), "no path {path:#?} in\n{}", tree());
        self.note(&path);
        ends[0]
    }

    fn draw(&self, trace: &str, parent: &str, depth: usize, lines: &mut Vec<String>) {
        let place = (trace.to_owned(), parent.to_owned());
        for index in self.below.get(&place).into_iter().flatten() {
            let span = &self.spans[*index];
            lines.push(format!(
                "{:1$}{2} {3}",
                "",
                2 * depth,
                span.service,
                span.name
            ));
            self.draw(trace, &span.span_id, depth + 1, lines);
        }
    }

    /// Whether a trace begins with this path.
    pub(crate) fn has_begun(&self, path: &[(&str, &str)]) -> bool {
        let (service, name) = path[0];
        let mut begun = self
            .spans
            .iter()
            .filter(|span| span.service == service && span.name == name && span.parent.is_empty());
        begun.any(|span| !self.ends(&span.trace_id, "", path).is_empty())
    }

    /// A trace begins with this path.
    pub(crate) fn assert_begun(&self, path: &[(&str, &str)]) {
        let tree = || {
            let mut lines = Vec::new();
            for span in self.spans.iter().filter(|span| span.name == path[0].1) {
                self.draw(&span.trace_id, "", 0, &mut lines);
            }
            lines.join("\n")
        };
        assert!(self.has_begun(path), "no path {path:#?} in\n{}", tree());
        self.note(path);
    }

    fn note(&self, path: &[(&str, &str)]) {
        let mut asserted = self.asserted.borrow_mut();
        asserted.extend(path.iter().map(|(_, name)| (*name).to_owned()));
    }

    /// The names of all spans that were looked for and found.
    pub(crate) fn looked_for(&self) -> BTreeSet<String> {
        self.asserted.borrow().clone()
    }
}
