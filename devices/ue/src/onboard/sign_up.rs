//! The captive portal, seen through the limited connectivity. Source: RFC 8908, RFC 8910.

use cause::Cause;
use http::StatusCode;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::owa::Admitted;
use crate::error::UeError;
use crate::html_form::{Field, FieldKind, Form, read_form};
use crate::https::{Browser, Page};
use crate::progress::Progress;
use crate::state::DeviceRecord;

/// Who signs up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignUp {
    /// The device submits the portal's forms itself, with what is chosen beforehand.
    Automatic,
    /// A person does, in a browser; the device shows the link.
    Portal,
    /// As automatic, with an order code that was bought elsewhere.
    Code(String),
    /// Nobody: the device was ordered before, and only waits.
    Ordered,
}

/// Whose turn it is after sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Everything is decided: the network makes the package.
    ForNobody,
    /// A person or a shop has still to decide.
    ForOthers,
}

/// What the captive-portal API says.
#[derive(Deserialize)]
pub(super) struct Portal {
    captive: bool,
    #[serde(rename = "user-portal-url")]
    user_portal_url: Option<String>,
}

/// Asks the captive-portal API; proves on the way that the limited connectivity works.
pub(super) async fn enter(
    device: &DeviceRecord,
    admitted: &Admitted,
) -> Result<(Browser, Portal), UeError> {
    let api = &admitted.session.parameters.captive_portal_api_uri;
    let api = Url::parse(api).map_err(|error| {
        UeError::untrusted_because(OPERATION, Cause::MandatoryElementIncorrect, error)
    })?;
    let mut browser = Browser::new(&admitted.proxy.to_string(), &device.portal_roots)?;
    let page = browser.get(&api).await?;
    if page.status != StatusCode::OK {
        return Err(UeError::refused(OPERATION, cause_of(page.status)));
    }
    if page.media_type != "application/captive+json" {
        return Err(UeError::untrusted(OPERATION, Cause::MalformedMessage));
    }
    let portal = serde_json::from_str(&page.body)
        .map_err(|error| UeError::untrusted_because(OPERATION, Cause::MalformedMessage, error))?;
    Ok((browser, portal))
}

/// Signs up in the way that was chosen.
pub(super) async fn sign_up(
    browser: &mut Browser,
    portal: Portal,
    sign_up: &SignUp,
    match_code: Option<&str>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Waits, UeError> {
    let link = portal.user_portal_url.filter(|_| portal.captive);
    let Some(link) = link else {
        progress(Progress::AlreadyOrdered);
        return Ok(Waits::ForNobody);
    };
    let link = Url::parse(&link)
        .map_err(|error| UeError::untrusted_because(OPERATION, Cause::MalformedMessage, error))?;
    let order_code = match sign_up {
        SignUp::Ordered => return Ok(Waits::ForOthers),
        SignUp::Portal => {
            progress(Progress::PortalLink(link.to_string()));
            return Ok(Waits::ForOthers);
        }
        SignUp::Automatic => None,
        SignUp::Code(code) => Some(code.as_str()),
    };
    let mut page = browser.get(&link).await?;
    for _ in 0..MAX_FORMS {
        let form = form_of(&page)?;
        let Some(form) = form.filter(asks_something) else {
            return Ok(Waits::ForNobody);
        };
        let same = match_code.is_none_or(|code| shows(&page.body, code));
        let filled = fill(&form, order_code, same)?;
        let action = page.url.join(&form.action).map_err(|error| {
            UeError::untrusted_because(OPERATION, Cause::MalformedMessage, error)
        })?;
        if action.origin() != page.url.origin() {
            return Err(UeError::untrusted(OPERATION, Cause::NotAuthorized));
        }
        page = browser.post(&action, filled).await?;
        if !same {
            // The portal has heard it and ends the session.
            return Err(UeError::untrusted(OPERATION, Cause::LinkCodeInvalid));
        }
        let refuses_code = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&page.status);
        if order_code.is_some() && refuses_code {
            return Err(UeError::refused(OPERATION, Cause::NoOrder));
        }
    }
    Err(UeError::PersonNeeded(
        "the portal asks more than one page of questions",
    ))
}

fn form_of(page: &Page) -> Result<Option<Form>, UeError> {
    if !page.status.is_success() {
        return Err(UeError::refused(OPERATION, cause_of(page.status)));
    }
    read_form(&page.body)
        .map_err(|error| UeError::untrusted_because(OPERATION, Cause::MalformedMessage, error))
}

/// Whether a form asks a person something; one that has only buttons (log out, cancel) does not.
fn asks_something(form: &Form) -> bool {
    let asks = |field: &Field| !matches!(field.kind, FieldKind::Hidden | FieldKind::Submit);
    form.post && form.fields.iter().any(asks)
}

/// Fills a form in: what is preselected, the first choice otherwise, consent where it is required.
///
/// `same` is the answer to whether page and device show one code.
fn fill(form: &Form, order_code: Option<&str>, same: bool) -> Result<String, UeError> {
    let mut filled = form_urlencoded::Serializer::new(String::new());
    let mut answered = Vec::new();
    let mut redeemed = order_code.is_none();
    for field in &form.fields {
        let name = field.name.as_str();
        match &field.kind {
            FieldKind::Hidden => {
                filled.append_pair(name, &field.value);
            }
            FieldKind::Select { options } if options.is_empty() => {
                return Err(UeError::PersonNeeded("the portal offers an empty list"));
            }
            FieldKind::Select { .. } => {
                filled.append_pair(name, &field.value);
            }
            FieldKind::Text if name == ORDER_CODE => {
                filled.append_pair(name, order_code.unwrap_or(&field.value));
                redeemed = true;
            }
            FieldKind::Text if field.required && field.value.is_empty() => {
                return Err(UeError::PersonNeeded(
                    "the portal asks for something in words",
                ));
            }
            FieldKind::Text => {
                filled.append_pair(name, &field.value);
            }
            FieldKind::Checkbox { checked } => {
                if *checked || field.required {
                    filled.append_pair(name, &field.value);
                }
            }
            FieldKind::Radio { .. } if name == MATCH => {
                if !answered.contains(&name) {
                    answered.push(name);
                    filled.append_pair(name, if same { "same" } else { "differs" });
                }
            }
            FieldKind::Radio { .. } => {
                if !answered.contains(&name) {
                    answered.push(name);
                    filled.append_pair(name, chosen(form, name));
                }
            }
            FieldKind::Submit => {}
        }
    }
    let button = form
        .fields
        .iter()
        .find(|field| field.kind == FieldKind::Submit);
    if let Some(button) = button {
        filled.append_pair(&button.name, &button.value);
    }
    if redeemed {
        Ok(filled.finish())
    } else {
        Err(UeError::PersonNeeded(
            "the portal takes no order code on this page",
        ))
    }
}

/// Whether a page shows a code, however it sets it.
fn shows(page: &str, code: &str) -> bool {
    let mut inside = false;
    let text = page.chars().filter(|c| {
        inside = match c {
            '<' => true,
            '>' => false,
            _ => return !inside && !c.is_whitespace(),
        };
        false
    });
    text.collect::<String>().contains(code)
}

/// The checked one of a group of radio buttons, or its first.
fn chosen<'a>(form: &'a Form, name: &str) -> &'a str {
    let group = || form.fields.iter().filter(|field| field.name == name);
    let checked = group().find(|field| field.kind == FieldKind::Radio { checked: true });
    checked
        .or_else(|| group().next())
        .map_or("", |field| &field.value)
}

/// The nearest cause of an HTTP status.
fn cause_of(status: StatusCode) -> Cause {
    match status.as_u16() {
        400 | 422 => Cause::MandatoryElementIncorrect,
        401 => Cause::Unauthenticated,
        403 => Cause::NotAuthorized,
        404 => Cause::LimitedSessionUnknown,
        409 => Cause::Conflict,
        410 => Cause::LinkCodeInvalid,
        429 => Cause::RateLimited,
        500..=599 => Cause::TemporarilyUnavailable,
        _ => Cause::UpstreamFailure,
    }
}

const OPERATION: &str = "sign up at the portal";
/// Name of the field for a code that redeems an order.
const ORDER_CODE: &str = "order_code";
/// Name of the question whether page and device show the same code.
const MATCH: &str = "match";
/// Pages with questions, one after the other.
const MAX_FORMS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn form(page: &str) -> Form {
        read_form(page).unwrap().unwrap()
    }

    #[test]
    fn a_form_is_filled_in_as_its_defaults_say() {
        let page = "<form method=post><input type=hidden name=csrf value='a b'>\
            <input type=radio name=plan_id value=lab><input type=radio name=plan_id value=gold checked>\
            <input type=checkbox name=terms required><input type=checkbox name=news>\
            <input name=order_code><select name=c><option value=de></select><button name=go value=1>x</button></form>";
        let filled = fill(&form(page), None, true).unwrap();
        assert_eq!(
            filled,
            "csrf=a+b&plan_id=gold&terms=on&order_code=&c=de&go=1"
        );
        let filled = fill(&form(page), Some("ABC"), true).unwrap();
        assert!(filled.contains("order_code=ABC"), "{filled}");
    }

    #[test]
    fn the_question_for_the_code_is_answered_by_looking() {
        let page = "<p>Code <b>123</b>&#8203; 456</p><form method=post><input type=radio name=match value=same>\
            <input type=radio name=match value=differs><input type=checkbox name=terms required></form>";
        assert!(shows("<p>Code <b>123</b> 456</p>", "123456"));
        assert!(!shows("<p title=123456>Code 123457</p>", "123456"));
        let answer = |same| fill(&form(page), None, same).unwrap();
        assert_eq!(answer(true), "match=same&terms=on");
        assert_eq!(answer(false), "match=differs&terms=on");
    }

    #[test]
    fn what_only_a_person_can_answer_is_left_to_a_person() {
        for (page, code) in [
            ("<form method=post><input name=card required></form>", None),
            (
                "<form method=post><input type=radio name=plan_id value=lab></form>",
                Some("ABC"),
            ),
            ("<form method=post><select name=s></select></form>", None),
        ] {
            let refused = fill(&form(page), code, true).unwrap_err();
            assert!(matches!(refused, UeError::PersonNeeded(_)), "{page}");
        }
    }

    #[test]
    fn a_form_with_buttons_alone_is_not_submitted() {
        assert!(!asks_something(&form(
            "<form method=post><input type=hidden name=csrf value=1><button name=cancel>x</button></form>"
        )));
        assert!(!asks_something(&form("<form><input name=q></form>")));
        assert!(asks_something(&form(
            "<form method=post><input type=checkbox name=terms></form>"
        )));
    }
}
