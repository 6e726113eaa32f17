//! The settings of every process, as the chart renders them for pods.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

use super::free;
use crate::provider::ROLES;

const TRUST_DOMAIN: &str = "berth.test";
/// Functions that seal what they store.
const SEALING: [&str; 4] = ["vault", "aanf", "ausf", "subscription-manager"];
/// Functions that keep state.
const KEEPING: [&str; 6] = [
    "vault",
    "aanf",
    "configuration-management",
    "subscription-manager",
    "ausf",
    "msgin5g-server",
];

/// Where one replica listens.
#[derive(Clone, Copy)]
pub(super) struct Sockets {
    pub(super) grpc: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) portal: SocketAddr,
    /// CoAP over DTLS: provisioning or messages.
    pub(super) device: SocketAddr,
}

impl Sockets {
    pub(super) fn free() -> Result<Self> {
        Ok(Self {
            grpc: free()?,
            admin: free()?,
            portal: free()?,
            device: free()?,
        })
    }
}

/// Where everything is.
pub(super) struct Addresses {
    pub(super) replicas: BTreeMap<String, Vec<Sockets>>,
    pub(super) store: SocketAddr,
    pub(super) provisioning: SocketAddr,
    pub(super) msgin5g: SocketAddr,
    pub(super) n1: SocketAddr,
    pub(super) certificates: SocketAddr,
    /// Where traces go.
    pub(super) traces: String,
}

impl Addresses {
    pub(super) fn of(&self, role: &str) -> Vec<Sockets> {
        self.replicas.get(role).cloned().unwrap_or_default()
    }
}

/// The secrets of an installation.
pub(super) fn bootstrap() -> String {
    let mut text = format!(
        "[[secret]]\nname = \"ca\"\nkind = \"authority\"\ntrust_domain = \"{TRUST_DOMAIN}\"\n"
    );
    let identities = ROLES
        .iter()
        .map(|role| (format!("{role}-tls"), format!("nf/{role}")));
    let others = [
        ("test-tls", "operator/test"),
        ("gateway-tls", "nf/access-gateway/test"),
        ("lab-tls", "nf/access-gateway/lab"),
    ];
    let others = others.map(|(name, path)| (name.to_owned(), path.to_owned()));
    for (name, path) in identities.chain(others) {
        text += &format!(
            "[[secret]]\nname = \"{name}\"\nkind = \"identity\"\nauthority = \"ca\"\n\
             uri = \"spiffe://{TRUST_DOMAIN}/{path}\"\ndns = [\"localhost\"]\n"
        );
    }
    for name in ["store-tls", "portal-tls"] {
        text += &format!(
            "[[secret]]\nname = \"{name}\"\nkind = \"server-certificate\"\nauthority = \"ca\"\ndns = [\"localhost\"]\n"
        );
    }
    for role in SEALING {
        text += &format!(
            "[[secret]]\nname = \"{role}-kek\"\nkind = \"key-encryption-key\"\nfunction = \"{role}\"\n"
        );
    }
    for role in KEEPING {
        text += &format!(
            "[[secret]]\nname = \"{role}-store\"\nkind = \"store-user\"\nuser = \"{role}\"\nauthority = \"ca\"\n"
        );
    }
    let users = KEEPING.map(|role| format!("\"{role}-store\"")).join(", ");
    text +=
        &format!("[[secret]]\nname = \"store-users\"\nkind = \"store-users\"\nusers = [{users}]\n");
    text += "[[secret]]\nname = \"operator-root\"\nkind = \"operator-root\"\noperator_id = \"berth-operator\"\n\
             [[secret]]\nname = \"operator-keys\"\nkind = \"operator-keys\"\nroot = \"operator-root\"\n\
             [[secret]]\nname = \"inventory\"\nkind = \"inventory\"\n";
    text
}

/// How the store is started.
pub(super) fn store(folder: &Path, address: SocketAddr) -> Vec<String> {
    let secret = |name: &str| folder.join("secrets").join(name).display().to_string();
    let data = folder.join("store");
    // It exists when the store comes back.
    let _ = fs::create_dir_all(&data);
    let mut words = Vec::new();
    for (name, value) in [
        ("--port", "0".to_owned()),
        ("--tls-port", address.port().to_string()),
        ("--bind", "127.0.0.1".to_owned()),
        ("--tls-cert-file", secret("store-tls/tls.crt")),
        ("--tls-key-file", secret("store-tls/tls.key")),
        ("--tls-ca-cert-file", secret("store-tls/ca.crt")),
        ("--tls-auth-clients", "no".to_owned()),
        ("--aclfile", secret("store-users/users.acl")),
        ("--appendonly", "yes".to_owned()),
        ("--appendfsync", "always".to_owned()),
        ("--maxmemory-policy", "noeviction".to_owned()),
        ("--save", String::new()),
        ("--dir", data.display().to_string()),
    ] {
        words.extend([name.to_owned(), value]);
    }
    words
}

/// Writes the settings of every replica, of tests and of the laboratory.
pub(super) fn write(folder: &Path, addresses: &Addresses) -> Result<()> {
    for role in ROLES {
        for (place, sockets) in addresses.of(role).iter().enumerate() {
            let text = function(folder, addresses, role, *sockets);
            fs::write(folder.join(format!("{role}-{place}.toml")), text)?;
        }
    }
    for (name, gateway) in [("test", "gateway-tls"), ("lab", "lab-tls")] {
        let text = visitor(folder, addresses, name, gateway);
        fs::write(folder.join(format!("{name}.toml")), text)?;
    }
    Ok(())
}

fn function(folder: &Path, addresses: &Addresses, role: &str, sockets: Sockets) -> String {
    let secret = |name: String| folder.join("secrets").join(name).display().to_string();
    let key = role.replace('-', "_");
    let mut text = format!(
        "admin_listen = \"{}\"\n[listen]\n{key} = \"{}\"\n",
        sockets.admin, sockets.grpc
    );
    text += &common(folder, addresses, &format!("{role}-tls"));
    text += "[shutdown]\nsettle = \"500ms\"\n";
    if KEEPING.contains(&role) {
        let store = match role {
            "vault" => "vault",
            "msgin5g-server" => "messages",
            _ => "default",
        };
        text += &format!(
            "[store.{store}]\nbackend = \"redis\"\nurl = \"rediss://localhost:{}\"\nusername = \"{role}\"\n\
             password_file = \"{}\"\nca_file = \"{}\"\n",
            addresses.store.port(),
            secret(format!("{role}-store/password")),
            secret(format!("{role}-store/ca.crt")),
        );
    }
    if SEALING.contains(&role) {
        let kek = secret(format!("{role}-kek/1.kek"));
        text += &format!("[{key}.sealing]\nkeys = [{{ id = 1, file = \"{kek}\" }}]\n");
    }
    text += &own(folder, addresses, role, sockets);
    text
}

/// What only this function needs.
fn own(folder: &Path, addresses: &Addresses, role: &str, sockets: Sockets) -> String {
    let secret = |name: &str| folder.join("secrets").join(name).display().to_string();
    match role {
        "vault" => {
            let mut text = "[vault.operator]\noperator_id = \"berth-operator\"\n".to_owned();
            for (key, file) in [
                ("root_certificate_file", "root.cer"),
                ("keyset_file", "keyset.cose"),
                ("signer_key_file", "signer.key"),
                ("network_key_file", "network.key"),
                ("network_chain_file", "network-chain.pem"),
            ] {
                text += &format!("{key} = \"{}\"\n", secret(&format!("operator-keys/{file}")));
            }
            text
        }
        "ausf" => {
            let mut text = "[[ausf.home_networks]]\nmcc = \"001\"\nmnc = \"01\"\n".to_owned();
            for gateway in ["test", "lab"] {
                text += &format!(
                    "[[ausf.access_gateways]]\nname = \"{gateway}\"\n\
                     serving_network_names = [\"5G:mnc001.mcc001.3gppnetwork.org\"]\n"
                );
            }
            text
        }
        "configuration-management" => format!(
            "[configuration_management]\nmsgin5g_server_uri = \"{}\"\n",
            msgin5g_uri(addresses)
        ),
        "subscription-manager" => format!(
            "[subscription_manager]\nportal_listen = \"{}\"\nportal_certificate = \"{}\"\nportal_key = \"{}\"\n\
             portal_url = \"https://localhost:{}\"\nprovisioning_listen = \"{}\"\n\
             provisioning_uri = \"coaps://127.0.0.1:{}\"\n",
            sockets.portal,
            secret("portal-tls/tls.crt"),
            secret("portal-tls/tls.key"),
            portal(addresses).port(),
            sockets.device,
            addresses.provisioning.port(),
        ),
        "msgin5g-server" => format!(
            "[msgin5g_server]\naf_fqdns = [\"msgin5g.berth.test\"]\nlisten = \"{}\"\n",
            sockets.device
        ),
        _ => String::new(),
    }
}

/// Settings of somebody who comes to the functions from outside, with a gateway of its own.
fn visitor(folder: &Path, addresses: &Addresses, name: &str, gateway: &str) -> String {
    let secrets = folder.join("secrets");
    let file = |name: &str| secrets.join(gateway).join(name).display().to_string();
    let mut text = common(folder, addresses, "test-tls");
    text += &format!(
        "[lab]\nname = \"{name}\"\nmsgin5g_server_uri = \"{}\"\nportal_ca = \"{}\"\nfolder = \"{}\"\n\
         n1_listen = \"{}\"\n",
        msgin5g_uri(addresses),
        secrets.join("ca/tls.crt").display(),
        folder.join(name).display(),
        addresses.n1,
    );
    let (first, certificates) = match name {
        "lab" => ("00005", addresses.certificates.to_string()),
        // Stories come and go, so they take any port.
        _ => ("00006", "127.0.0.1:0".to_owned()),
    };
    text += &format!(
        "certificate_listen = \"{certificates}\"\nfirst_msin = \"{first}00001\"\nlast_msin = \"{first}99999\"\n"
    );
    text += &format!("first_msisdn = \"88201{first}0000\"\nlast_msisdn = \"88201{first}9999\"\n",);
    text += &format!(
        "[lab.gateway]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        file("ca.crt"),
        file("tls.crt"),
        file("tls.key"),
    );
    text
}

fn common(folder: &Path, addresses: &Addresses, identity: &str) -> String {
    let file = |name: &str| {
        folder
            .join("secrets")
            .join(identity)
            .join(name)
            .display()
            .to_string()
    };
    let mut text = format!(
        "[telemetry]\notlp_endpoint = \"{}\"\n[tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n\
         trust_domain = \"{TRUST_DOMAIN}\"\n[peers]\n",
        addresses.traces,
        file("ca.crt"),
        file("tls.crt"),
        file("tls.key"),
    );
    for role in ROLES {
        let all = addresses.of(role);
        let all = all.iter().map(|sockets| sockets.grpc.to_string());
        let all = all.collect::<Vec<_>>().join(",");
        text += &format!("{} = \"{all}\"\n", role.replace('-', "_"));
    }
    text
}

/// The portal that everybody is sent to: that of the first replica. It knows a device by the address and port that it
/// comes from, and a balancer of connections outside of the kernel would show its own.
fn portal(addresses: &Addresses) -> SocketAddr {
    let first = addresses.of("subscription-manager").first().copied();
    first.map_or_else(
        || SocketAddr::from(([127, 0, 0, 1], 0)),
        |sockets| sockets.portal,
    )
}

fn msgin5g_uri(addresses: &Addresses) -> String {
    format!("coaps://127.0.0.1:{}/msgin5g", addresses.msgin5g.port())
}
