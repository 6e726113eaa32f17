//! Reaching the server: address, TLS, user, time limits, and what to say when it fails.

use std::path::Path;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    RedisError, ServerErrorKind, TlsCertificates,
};
use zeroize::Zeroizing;

use crate::config::StoreConfig;
use crate::open::OpenError;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a command may take that waits for nobody.
pub(super) const RESPOND: Duration = Duration::from_secs(2);
/// A connection on which a sent command is not even received for so long is given up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// Reads the address, the user and the certificates from the configuration.
pub(super) fn client(config: &StoreConfig) -> Result<Client, OpenError> {
    let url = config
        .url
        .as_deref()
        .ok_or(OpenError::Config("backend redis needs a url"))?;
    let address = url.into_connection_info().map_err(|_| {
        OpenError::Config(
            "url must be rediss://host:port/db, redis://host:port/db or redis+unix:///path",
        )
    })?;
    let user = address.redis_settings();
    if user.username().is_some() || user.password().is_some() {
        return Err(OpenError::Config(
            "the url holds a user or password; use username and password_file",
        ));
    }
    let is_local = matches!(address.addr(), ConnectionAddr::Unix(_));
    let is_tls = matches!(address.addr(), ConnectionAddr::TcpTls { .. });
    if !config.laboratory && !is_local {
        if !is_tls {
            return Err(OpenError::Config(
                "redis without TLS is for laboratories; use rediss:// or set laboratory = true",
            ));
        }
        if config.password_file.is_none() {
            return Err(OpenError::Config(
                "redis without password is for laboratories; set password_file or laboratory = true",
            ));
        }
    }
    let address = with_user(address, config)?.set_tcp_settings(
        TcpSettings::default()
            .set_nodelay(true)
            .set_user_timeout(UNACKNOWLEDGED),
    );
    let client = if is_tls {
        // Fails only if a provider was chosen before, which is as good.
        let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let root_cert = config.ca_file.as_deref().map(read).transpose()?;
        Client::build_with_tls(
            address,
            TlsCertificates {
                client_tls: None,
                root_cert,
            },
        )
    } else {
        Client::open(address)
    };
    client.map_err(|source| OpenError::Refused {
        hint: "the address or the certificates in ca_file cannot be used",
        source: Box::new(source),
    })
}

fn with_user(address: ConnectionInfo, config: &StoreConfig) -> Result<ConnectionInfo, OpenError> {
    // A connection of RESP 3 that breaks is made anew at once, not when it is next used: a server that was restarted
    // between two calls makes neither of them fail.
    let mut settings = address
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        // A command more that the function's user would need a right for.
        .set_skip_set_lib_name();
    if let Some(username) = &config.username {
        settings = settings.set_username(username);
    }
    if let Some(path) = &config.password_file {
        let octets = Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&octets).unwrap_or_default();
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(OpenError::Config("password_file holds no text"));
        }
        settings = settings.set_password(password);
    }
    Ok(address.set_redis_settings(settings))
}

fn read(path: &Path) -> Result<Vec<u8>, OpenError> {
    std::fs::read(path).map_err(|source| OpenError::File {
        path: path.to_owned(),
        source,
    })
}

/// A connection that is made anew when it breaks; the call during which it breaks fails.
///
/// `respond` limits each call. Of a server that is away, callers hear within about two seconds.
pub(super) async fn connect(
    client: &Client,
    respond: Duration,
) -> Result<ConnectionManager, OpenError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(respond))
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(200))
        .set_number_of_retries(3)
        .set_pipeline_buffer_size(1024);
    ConnectionManager::new_with_config(client.clone(), config)
        .await
        .map_err(explain)
}

/// Adds a hint to an error of connecting and of the first questions.
pub(super) fn explain(error: RedisError) -> OpenError {
    let refused = |hint, source: RedisError| OpenError::Refused {
        hint,
        source: Box::new(source),
    };
    // The greeting of RESP 3 answers a wrong password with a code of its own.
    if error.code() == Some("WRONGPASS") {
        return refused("user name or password are not accepted", error);
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => {
            return refused("user name or password are not accepted", error);
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            return refused(
                "its user lacks a permission, see the README of store",
                error,
            );
        }
        ErrorKind::Server(ServerErrorKind::BusyLoading) => {
            return refused("it is still loading its data; try again", error);
        }
        _ => {}
    }
    let text = error.to_string();
    if error.code() == Some("NOAUTH") || text.contains("NOAUTH") {
        return refused("it wants a password; set password_file", error);
    }
    let hint = if text.contains("certificate") {
        "its certificate is not accepted; ca_file must hold the one that signed it, and the name in the url \
         must be in it"
    } else if error.is_connection_refusal() {
        "nothing listens there; is the server running, and are host and port (or the socket) right?"
    } else if error.is_timeout() {
        "no answer in time; is the address right, and does a firewall let it through?"
    } else if error.is_connection_dropped() {
        "it closed the connection at once; a server without password refuses other hosts (protected-mode), \
         and one that speaks TLS refuses redis://"
    } else {
        "see what the client library says"
    };
    OpenError::Unreachable {
        hint,
        source: Box::new(error),
    }
}
