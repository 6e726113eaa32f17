//! Generated types, one module a function. Contracts stand in `proto/berth/*/v1`.
#![expect(missing_docs, unused_qualifications, reason = "generated code")]

macro_rules! functions {
    ($($module:ident),*) => { $(
        pub mod $module {
            pub use self::v1::*;

            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/berth.", stringify!($module), ".v1.rs"));
            }
        }
    )* };
}

functions!(
    aanf,
    access_gateway,
    ausf,
    certificate_fetcher,
    common,
    configuration_management,
    msgin5g,
    subscription_manager,
    vault
);

include!(concat!(env!("OUT_DIR"), "/redacted_debug.rs"));
