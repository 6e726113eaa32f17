//! Who calls: the identity that a certificate proves.

use std::fmt;

/// A role that answers or makes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetworkFunction {
    /// AKMA anchor function.
    Aanf,
    /// Radio, AMF and SMF of a laboratory or an integration.
    AccessGateway,
    /// Authentication server.
    Ausf,
    /// The only role with egress.
    CertificateFetcher,
    /// Associations and UE configuration.
    ConfigurationManagement,
    /// MSGin5G Server.
    Msgin5gServer,
    /// Portal, sessions, profiles.
    SubscriptionManager,
    /// Credential vault.
    Vault,
}

impl NetworkFunction {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Aanf,
        Self::AccessGateway,
        Self::Ausf,
        Self::CertificateFetcher,
        Self::ConfigurationManagement,
        Self::Msgin5gServer,
        Self::SubscriptionManager,
        Self::Vault,
    ];

    /// The name in identities, commands and file names, for example `msgin5g-server`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aanf => "aanf",
            Self::AccessGateway => "access-gateway",
            Self::Ausf => "ausf",
            Self::CertificateFetcher => "certificate-fetcher",
            Self::ConfigurationManagement => "configuration-management",
            Self::Msgin5gServer => "msgin5g-server",
            Self::SubscriptionManager => "subscription-manager",
            Self::Vault => "vault",
        }
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }
}

impl fmt::Display for NetworkFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The proven identity of a caller.
///
/// Text form is the SAN URI of its certificate: `spiffe://<trust-domain>/nf/<function>`, with a third
/// segment where one role has several identities (access gateways), or
/// `spiffe://<trust-domain>/operator/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A network function; `instance` tells access gateways apart.
    Function {
        /// The role.
        function: NetworkFunction,
        /// Name of one of several of the role.
        instance: Option<String>,
    },
    /// A person or a tool of the operator.
    Operator {
        /// Name of the operator identity.
        name: String,
    },
}

impl Caller {
    /// The identity of a role that has one identity.
    pub const fn function(function: NetworkFunction) -> Self {
        Self::Function {
            function,
            instance: None,
        }
    }

    /// Reads the SAN URI of a certificate; `None` when it is of another trust domain or form.
    pub fn from_uri(uri: &str, trust_domain: &str) -> Option<Self> {
        let path = uri
            .strip_prefix("spiffe://")?
            .strip_prefix(trust_domain)?
            .strip_prefix('/')?;
        let mut segments = path.split('/');
        let kind = segments.next()?;
        let name = segments.next().filter(|name| is_name(name))?;
        let instance = segments.next();
        if segments.next().is_some() || instance.is_some_and(|instance| !is_name(instance)) {
            return None;
        }
        match kind {
            "nf" => Some(Self::Function {
                function: NetworkFunction::from_name(name)?,
                instance: instance.map(str::to_owned),
            }),
            "operator" if instance.is_none() => Some(Self::Operator {
                name: name.to_owned(),
            }),
            _ => None,
        }
    }

    /// The SAN URI of this identity in a trust domain.
    pub fn to_uri(&self, trust_domain: &str) -> String {
        format!("spiffe://{trust_domain}/{self}")
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function {
                function,
                instance: None,
            } => write!(f, "nf/{function}"),
            Self::Function {
                function,
                instance: Some(instance),
            } => write!(f, "nf/{function}/{instance}"),
            Self::Operator { name } => write!(f, "operator/{name}"),
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_survive_their_uri() {
        let callers = [
            Caller::function(NetworkFunction::Aanf),
            Caller::Function {
                function: NetworkFunction::AccessGateway,
                instance: Some("lab-1".to_owned()),
            },
            Caller::Operator {
                name: "admin".to_owned(),
            },
        ];
        for caller in callers {
            assert_eq!(
                Caller::from_uri(&caller.to_uri("berth.test"), "berth.test"),
                Some(caller)
            );
        }
    }

    #[test]
    fn foreign_or_malformed_uris_are_nobody() {
        for uri in [
            "spiffe://other.test/nf/aanf",
            "spiffe://berth.test.evil/nf/aanf",
            "spiffe://berth.test/nf/unknown",
            "spiffe://berth.test/nf/aanf/a/b",
            "spiffe://berth.test/nf/",
            "spiffe://berth.test/operator/a/b",
            "spiffe://berth.test/operator/Ünicode",
            "https://berth.test/nf/aanf",
            "",
        ] {
            assert_eq!(Caller::from_uri(uri, "berth.test"), None, "{uri}");
        }
    }
}
