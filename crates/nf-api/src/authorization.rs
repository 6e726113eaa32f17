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
    /// The function that answers it.
    pub callee: NetworkFunction,
    /// Everybody who may call.
    pub allowed: &'static [Who],
}

use NetworkFunction::{
    Aanf, AccessGateway, Ausf, CertificateFetcher, ConfigurationManagement, Msgin5gServer, SubscriptionManager, Vault,
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
    ($($callee:ident $package:literal { $($service:literal { $($method:literal: [$($who:expr),*]),* $(,)? })* })*) => {
        /// Every RPC between network functions. The radio interface `berth.access_gateway.v1` is not
        /// one: devices have no function identity, the gateway treats each of them as a stranger.
        pub const TABLE: &[Rule] = &[
            $($($(Rule {
                path: concat!("/berth.", $package, ".v1.", $service, "/", $method),
                callee: $callee,
                allowed: &[$($who),*],
            },)*)*)*
        ];
    };
}

table! {
    Ausf "ausf" {
        "OneWayAuthService" {
            "Start": [Function(AccessGateway)],
            "Prove": [Function(AccessGateway)],
        }
        "AuthenticationService" {
            "StartAka": [Function(AccessGateway)],
            "ConfirmAka": [Function(AccessGateway)],
            "ResyncAka": [Function(AccessGateway)],
            "AuthenticateStream": [Function(AccessGateway)],
        }
        "ManufacturerService" {
            "Put": [Operator],
            "List": [Operator],
            "Delete": [Operator],
        }
    }
    Vault "vault" {
        "VaultService" {
            "Mint": [Function(SubscriptionManager)],
            "Seal": [Function(SubscriptionManager)],
            "GetVector": [Function(Ausf)],
            "GetVectorStream": [Function(Ausf)],
            "Promote": [Function(Ausf)],
            "Destroy": [Function(SubscriptionManager)],
            "GetHomeNetworkKeys": [Function(SubscriptionManager)],
            "GetOperatorKeys": [Function(SubscriptionManager), Operator],
            "SignOwaNet": [Function(Ausf)],
        }
    }
    CertificateFetcher "certificate_fetcher" {
        "FetchService" {
            "Fetch": [Function(Ausf)],
        }
    }
    Aanf "aanf" {
        "AnchorKeyService" {
            "Register": [Function(Ausf)],
            "RemoveContext": [Function(Ausf), Function(SubscriptionManager)],
        }
        "ApplicationKeyService" {
            "Get": [Function(Msgin5gServer)],
            "GetAnonymous": [Function(Msgin5gServer)],
            "GetStream": [Function(Msgin5gServer)],
            "WatchContexts": [Function(Msgin5gServer)],
        }
        "AccessPolicyService" {
            "Put": [Operator],
            "List": [Operator],
            "Delete": [Operator],
        }
    }
    ConfigurationManagement "configuration_management" {
        "AssociationService" {
            "Put": [Function(SubscriptionManager)],
            "Close": [Function(SubscriptionManager)],
            "LookupByUeId": [Function(Msgin5gServer)],
            "ResolveServiceId": [Function(Msgin5gServer)],
            "WatchAssociations": [Function(Msgin5gServer)],
        }
        "UeConfigurationService" {
            "Get": [Function(Msgin5gServer)],
        }
    }
    SubscriptionManager "subscription_manager" {
        "DeviceIntakeService" {
            "DeviceAuthenticated": [Function(Ausf)],
        }
        "SessionService" {
            "Get": [Function(AccessGateway), Operator],
            "End": [Function(AccessGateway), Operator],
            "Watch": [Function(AccessGateway)],
        }
        "DeliveryService" {
            "CredentialActivated": [Function(Ausf)],
            "Get": [Operator],
        }
        "OrderService" {
            "Create": [Operator],
            "Get": [Operator],
        }
        "PlanService" {
            "Put": [Operator],
            "List": [Operator],
            "Delete": [Operator],
        }
    }
    Msgin5gServer "msgin5g" {
        "RegistrationService" {
            "Get": [Operator],
        }
    }
}
