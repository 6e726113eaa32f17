//! Every route with the authority that it takes. What does not stand here does not exist.

use super::portal::Page;

/// What a request must show before its page runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    /// Nothing: the page says nothing about any device.
    Anyone,
    /// It comes from the address of a device with a limited session.
    DeviceAddress,
    /// A link code, which it uses up.
    LinkCode,
    /// The cookie of a linked browser.
    Browser,
    /// That cookie, and the token of a form that was served to it.
    BrowserForm,
}

/// A route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) authority: Authority,
    pub(super) page: Page,
}

const fn route(
    method: &'static str,
    path: &'static str,
    authority: Authority,
    page: Page,
) -> Route {
    Route {
        method,
        path,
        authority,
        page,
    }
}

/// All routes.
pub(crate) const ROUTES: &[Route] = &[
    route("GET", "/", Authority::LinkCode, Page::Enter),
    route("GET", "/sign-up", Authority::Browser, Page::SignUp),
    route(
        "POST",
        "/sign-up",
        Authority::BrowserForm,
        Page::SubmitSignUp,
    ),
    route("GET", "/status", Authority::Browser, Page::Status),
    route("GET", "/help", Authority::Anyone, Page::Help),
    route("GET", "/style.css", Authority::Anyone, Page::Style),
    route("GET", "/icon.svg", Authority::Anyone, Page::Icon),
    route(
        "GET",
        "/capport/v1",
        Authority::DeviceAddress,
        Page::CaptiveApi,
    ),
];
