//! Reads the form of a portal page, as much of HTML as that takes.
//!
//! The page comes from a network that is not trusted, so the reader is small and strict: it looks for
//! tags only, runs no script, follows nothing, and gives up at the first thing that it does not know how
//! to read. Source: HTML Living Standard, sections 4.10 and 13.2, in the subset of well-formed pages.

/// A form of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Attribute `action`, relative to the page; empty for the page itself.
    pub(crate) action: String,
    /// Whether the method is POST.
    pub(crate) post: bool,
    /// Fields in the order of the page.
    pub(crate) fields: Vec<Field>,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) kind: FieldKind,
    pub(crate) required: bool,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// Sent as it is.
    Hidden,
    /// A line of text, of whatever type.
    Text,
    /// One of several of the same name.
    Radio { checked: bool },
    /// Sent if checked.
    Checkbox { checked: bool },
    /// A list; the value is the selected one, or the first.
    Select { options: Vec<String> },
    /// A button that sends the form.
    Submit,
}

/// The page cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HtmlError {
    /// A tag, comment or raw text does not end.
    #[error("page ends inside a tag")]
    Unfinished,
    /// More than a page of a portal holds.
    #[error("page holds too much")]
    TooMuch,
    /// A form or list inside another.
    #[error("forms or lists are nested")]
    Nested,
}

/// The first form with method POST, or else the first form; `None` if there is none.
///
/// # Errors
/// [`HtmlError`].
pub(crate) fn read_form(page: &str) -> Result<Option<Form>, HtmlError> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    let mut select: Option<Field> = None;
    let mut tags = Tags { rest: page };
    while let Some(tag) = tags.next()? {
        match (tag.name.as_str(), tag.end) {
            ("form", false) => {
                if open.is_some() || select.is_some() {
                    return Err(HtmlError::Nested);
                }
                open = Some(Form {
                    action: tag.value("action").unwrap_or_default().to_owned(),
                    post: tag
                        .value("method")
                        .is_some_and(|method| method.eq_ignore_ascii_case("post")),
                    fields: Vec::new(),
                });
            }
            ("form", true) => {
                if select.is_some() {
                    return Err(HtmlError::Nested);
                }
                forms.extend(open.take());
            }
            ("select", false) => {
                if select.is_some() {
                    return Err(HtmlError::Nested);
                }
                select = Some(tag.field(FieldKind::Select {
                    options: Vec::new(),
                }));
            }
            ("select", true) => push(&mut open, select.take())?,
            ("option", false) => {
                if let Some(Field {
                    value,
                    kind: FieldKind::Select { options },
                    ..
                }) = &mut select
                {
                    let option = tag.value("value").unwrap_or_default().to_owned();
                    if options.is_empty() || tag.has("selected") {
                        value.clone_from(&option);
                    }
                    options.push(option);
                    if options.len() > MAX_FIELDS {
                        return Err(HtmlError::TooMuch);
                    }
                }
            }
            ("input", false) => push(&mut open, tag.input())?,
            ("textarea", false) => push(&mut open, Some(tag.field(FieldKind::Text)))?,
            ("button", false) => push(&mut open, tag.button())?,
            _ => {}
        }
        if forms.len() > MAX_FORMS {
            return Err(HtmlError::TooMuch);
        }
    }
    if open.is_some() || select.is_some() {
        return Err(HtmlError::Unfinished);
    }
    let post = forms.iter().position(|form| form.post).unwrap_or(0);
    Ok((post < forms.len()).then(|| forms.swap_remove(post)))
}

/// Adds a field to the open form; fields outside of forms and fields without a name are not sent.
fn push(open: &mut Option<Form>, field: Option<Field>) -> Result<(), HtmlError> {
    if let (Some(form), Some(field)) = (open, field)
        && !field.name.is_empty()
    {
        if form.fields.len() >= MAX_FIELDS {
            return Err(HtmlError::TooMuch);
        }
        form.fields.push(field);
    }
    Ok(())
}

struct Tag {
    name: String,
    end: bool,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn value(&self, name: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|(attribute, _)| attribute == name);
        found.map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn field(&self, kind: FieldKind) -> Field {
        Field {
            name: self.value("name").unwrap_or_default().to_owned(),
            value: self.value("value").unwrap_or_default().to_owned(),
            kind,
            required: self.has("required"),
        }
    }

    fn input(&self) -> Option<Field> {
        if self.has("disabled") {
            return None;
        }
        let checked = self.has("checked");
        let kind = match self
            .value("type")
            .unwrap_or("text")
            .to_ascii_lowercase()
            .as_str()
        {
            "hidden" => FieldKind::Hidden,
            "radio" => FieldKind::Radio { checked },
            "checkbox" => FieldKind::Checkbox { checked },
            "submit" => FieldKind::Submit,
            "button" | "reset" | "image" | "file" => return None,
            _ => FieldKind::Text,
        };
        let mut field = self.field(kind);
        if !self.has("value")
            && matches!(
                field.kind,
                FieldKind::Radio { .. } | FieldKind::Checkbox { .. }
            )
        {
            "on".clone_into(&mut field.value);
        }
        Some(field)
    }

    fn button(&self) -> Option<Field> {
        let submits = self
            .value("type")
            .is_none_or(|kind| kind.eq_ignore_ascii_case("submit"));
        (submits && !self.has("disabled")).then(|| self.field(FieldKind::Submit))
    }
}

/// The tags of a page, in their order.
struct Tags<'a> {
    rest: &'a str,
}

impl Tags<'_> {
    fn next(&mut self) -> Result<Option<Tag>, HtmlError> {
        loop {
            let Some((_, after)) = self.rest.split_once('<') else {
                return Ok(None);
            };
            if let Some(comment) = after.strip_prefix("!--") {
                self.rest = comment.split_once("-->").ok_or(HtmlError::Unfinished)?.1;
            } else if after.starts_with(['!', '?']) {
                self.rest = after.split_once('>').ok_or(HtmlError::Unfinished)?.1;
            } else if after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
                self.rest = after;
                let tag = self.tag()?;
                // What stands in these is text, whatever it looks like.
                if !tag.end && RAW_TEXT.contains(&tag.name.as_str()) {
                    self.skip_raw_text(&tag.name)?;
                }
                return Ok(Some(tag));
            } else {
                self.rest = after;
            }
        }
    }

    fn tag(&mut self) -> Result<Tag, HtmlError> {
        let end = self.take('/');
        let name = self.word();
        let mut attributes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() {
                return Err(HtmlError::Unfinished);
            }
            if self.take('>') {
                break;
            }
            if self.take('/') {
                continue;
            }
            let attribute = self.word();
            if attribute.is_empty() {
                // A stray quote or sign: this is no page that is meant to be read.
                return Err(HtmlError::Unfinished);
            }
            self.rest = self.rest.trim_start();
            let value = if self.take('=') {
                self.attribute_value()?
            } else {
                String::new()
            };
            // Of two with the same name, the first counts (HTML 13.2.5.33).
            if !attributes.iter().any(|(known, _)| *known == attribute) {
                attributes.push((attribute, value));
            }
            if attributes.len() > MAX_ATTRIBUTES {
                return Err(HtmlError::TooMuch);
            }
        }
        Ok(Tag {
            name,
            end,
            attributes,
        })
    }

    fn take(&mut self, sign: char) -> bool {
        self.rest
            .strip_prefix(sign)
            .map(|rest| self.rest = rest)
            .is_some()
    }

    /// A name in lower case; empty if none stands here.
    fn word(&mut self) -> String {
        let ends = |c: char| c.is_whitespace() || matches!(c, '>' | '/' | '=' | '"' | '\'' | '<');
        let at = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(at);
        self.rest = rest;
        word.to_ascii_lowercase()
    }

    fn attribute_value(&mut self) -> Result<String, HtmlError> {
        self.rest = self.rest.trim_start();
        for quote in ['"', '\''] {
            if let Some(quoted) = self.rest.strip_prefix(quote) {
                let (value, rest) = quoted.split_once(quote).ok_or(HtmlError::Unfinished)?;
                self.rest = rest;
                return Ok(unescape(value));
            }
        }
        let ends = |c: char| c.is_whitespace() || c == '>';
        let at = self.rest.find(ends).ok_or(HtmlError::Unfinished)?;
        let (value, rest) = self.rest.split_at(at);
        self.rest = rest;
        Ok(unescape(value))
    }

    fn skip_raw_text(&mut self, name: &str) -> Result<(), HtmlError> {
        let mut searched = self.rest;
        loop {
            let (_, after) = searched.split_once("</").ok_or(HtmlError::Unfinished)?;
            let is_end = after
                .get(..name.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(name));
            if is_end {
                self.rest = after.split_once('>').ok_or(HtmlError::Unfinished)?.1;
                return Ok(());
            }
            searched = after;
        }
    }
}

/// Replaces the character references that a template engine writes; others stay as they are.
fn unescape(text: &str) -> String {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        unescaped.push_str(before);
        let reference = after
            .split_once(';')
            .filter(|(name, _)| name.len() <= MAX_REFERENCE);
        match reference.and_then(|(name, rest)| Some((character(name)?, rest))) {
            Some((character, after)) => {
                unescaped.push(character);
                rest = after;
            }
            None => {
                unescaped.push('&');
                rest = after;
            }
        }
    }
    unescaped.push_str(rest);
    unescaped
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// Elements whose content holds no tags.
const RAW_TEXT: [&str; 4] = ["script", "style", "textarea", "title"];
const MAX_FORMS: usize = 16;
const MAX_FIELDS: usize = 128;
const MAX_ATTRIBUTES: usize = 64;
const MAX_REFERENCE: usize = 8;

#[cfg(test)]
mod tests;
