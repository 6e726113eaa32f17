//! Who may call which RPC. What does not stand here is refused.

use crate::identity::{Caller, NetworkFunction};

/// A kind of caller that a rule admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A network function, whatever its instance.
    Function(NetworkFunction),
    /// Any operator identity.
    Operator,
}

impl Who {
    /// Whether the caller is of this kind.
    pub fn admits(self, caller: &Caller) -> bool {
        match (self, caller) {
            (Self::Function(allowed), Caller::Function { function, .. }) => allowed == *function,
            (Self::Operator, Caller::Operator { .. }) => true,
            _ => false,
        }
    }
}

/// One RPC and its callers.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Path of the RPC, `/berth.<function>.v1.<Service>/<Method>`.
    pub path: &'static str,
    /// The function that answers it; `None` if every one does.
    pub callee: Option<NetworkFunction>,
    /// Everybody who may call.
    pub allowed: &'static [Who],
    /// Whether calling twice has the effect of calling once, so that a caller may repeat a call whose
    /// outcome it does not know. No RPC with a stream of requests is.
    pub idempotent: bool,
}

use NetworkFunction::{
    Aanf, AccessGateway, Ausf, CertificateFetcher, ConfigurationManagement, Msgin5gServer,
    SubscriptionManager, Vault,
};
use Who::{Function, Operator};

/// The rule of a path, or `None`: nobody may call it.
pub fn rule(path: &str) -> Option<&'static Rule> {
    TABLE.iter().find(|rule| rule.path == path)
}

/// Whether the caller may call the path.
pub fn is_allowed(path: &str, caller: &Caller) -> bool {
    rule(path).is_some_and(|rule| rule.allowed.iter().any(|who| who.admits(caller)))
}

macro_rules! table {
    (@flag idempotent) => { true };
    (@flag) => { false };
    (@callee Every) => { None };
    (@callee $callee:ident) => { Some($callee) };
    ($($callee:ident $package:literal { $($service:literal { $($method:literal: [$($who:expr),*] $($idempotent:ident)?),* $(,)? })* })*) => {
        /// Every RPC between network functions. The radio interface `berth.access_gateway.v1` is not
        /// one: devices have no function identity, the gateway treats each of them as a stranger.
        pub const TABLE: &[Rule] = &[
            $($($(Rule {
                path: concat!("/berth.", $package, ".v1.", $service, "/", $method),
                callee: table!(@callee $callee),
                allowed: &[$($who),*],
                idempotent: table!(@flag $($idempotent)?),
            },)*)*)*
        ];
    };
}

table! {
    Every "common" {
        "InfoService" {
            "Get": [Operator] idempotent,
        }
    }
    Ausf "ausf" {
        "OneWayAuthService" {
            "Start": [Function(AccessGateway)],
            "Prove": [Function(AccessGateway)] idempotent,
        }
        "AuthenticationService" {
            "StartAka": [Function(AccessGateway)],
            "ConfirmAka": [Function(AccessGateway)] idempotent,
            "ResyncAka": [Function(AccessGateway)],
            "AuthenticateStream": [Function(AccessGateway)],
        }
        "ManufacturerService" {
            "Put": [Operator] idempotent,
            "List": [Operator] idempotent,
            "Delete": [Operator] idempotent,
        }
    }
    Vault "vault" {
        "VaultService" {
            "Mint": [Function(SubscriptionManager)] idempotent,
            "Seal": [Function(SubscriptionManager)] idempotent,
            "GetVector": [Function(Ausf)],
            "GetVectorStream": [Function(Ausf)],
            "Promote": [Function(Ausf)] idempotent,
            "Destroy": [Function(SubscriptionManager)] idempotent,
            "GetHomeNetworkKeys": [Function(SubscriptionManager)] idempotent,
            "GetOperatorKeys": [Function(SubscriptionManager), Operator] idempotent,
            "SignOwaNet": [Function(Ausf)] idempotent,
        }
    }
    CertificateFetcher "certificate_fetcher" {
        "FetchService" {
            "Fetch": [Function(Ausf)] idempotent,
        }
    }
    Aanf "aanf" {
        "AnchorKeyService" {
            "Register": [Function(Ausf)] idempotent,
            "RemoveContext": [Function(Ausf), Function(SubscriptionManager)] idempotent,
        }
        "ApplicationKeyService" {
            "Get": [Function(Msgin5gServer)] idempotent,
            "GetAnonymous": [Function(Msgin5gServer)] idempotent,
            "GetStream": [Function(Msgin5gServer)],
            "WatchContexts": [Function(Msgin5gServer)],
        }
        "AccessPolicyService" {
            "Put": [Operator] idempotent,
            "List": [Operator] idempotent,
            "Delete": [Operator] idempotent,
        }
    }
    ConfigurationManagement "configuration_management" {
        "AssociationService" {
            "Put": [Function(SubscriptionManager)] idempotent,
            "Close": [Function(SubscriptionManager)] idempotent,
            "LookupByUeId": [Function(Msgin5gServer)] idempotent,
            "ResolveServiceId": [Function(Msgin5gServer)] idempotent,
            "WatchAssociations": [Function(Msgin5gServer)],
        }
        "UeConfigurationService" {
            "Get": [Function(Msgin5gServer)] idempotent,
        }
    }
    SubscriptionManager "subscription_manager" {
        "DeviceIntakeService" {
            "DeviceAuthenticated": [Function(Ausf)] idempotent,
        }
        "SessionService" {
            "Get": [Function(AccessGateway), Operator] idempotent,
            "End": [Function(AccessGateway), Operator] idempotent,
            "Watch": [Function(AccessGateway)],
        }
        "DeliveryService" {
            "CredentialActivated": [Function(Ausf)] idempotent,
            "Get": [Operator] idempotent,
        }
        "OrderService" {
            "Create": [Operator],
            "Get": [Operator] idempotent,
        }
        "PlanService" {
            "Put": [Operator] idempotent,
            "List": [Operator] idempotent,
            "Delete": [Operator] idempotent,
        }
    }
    Msgin5gServer "msgin5g" {
        "RegistrationService" {
            "Get": [Operator] idempotent,
        }
    }
}
