//! Reaching a server: address, TLS, user, time limits, and what to say when it fails.

use std::path::Path;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, PushInfo, PushKind, RedisError, ServerErrorKind, TlsCertificates, Value,
};
use zeroize::Zeroizing;

use super::checks;
use crate::config::StoreConfig;
use crate::open::OpenError;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a command may take that waits for nobody.
pub(super) const RESPOND: Duration = Duration::from_secs(2);
/// A connection on which a sent command is not even received for so long is given up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// Reads the address of the server.
pub(super) fn address(config: &StoreConfig) -> Result<ConnectionInfo, OpenError> {
    let url = config
        .url
        .as_deref()
        .ok_or(OpenError::Config("backend redis needs a url, or sentinels"))?;
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
    demand_safety(config, &address)?;
    Ok(address)
}

/// Outside the laboratory what goes over a network is protected.
pub(super) fn demand_safety(
    config: &StoreConfig,
    address: &ConnectionInfo,
) -> Result<(), OpenError> {
    if config.laboratory || matches!(address.addr(), ConnectionAddr::Unix(_)) {
        return Ok(());
    }
    if !is_tls(address) {
        return Err(OpenError::Config(
            "redis without TLS is for laboratories; use rediss:// or set laboratory = true",
        ));
    }
    if config.password_file.is_none() {
        return Err(OpenError::Config(
            "redis without password is for laboratories; set password_file or laboratory = true",
        ));
    }
    Ok(())
}

pub(super) fn is_tls(address: &ConnectionInfo) -> bool {
    matches!(address.addr(), ConnectionAddr::TcpTls { .. })
}

/// Who connects.
pub(super) struct User<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) password_file: Option<&'a Path>,
}

/// The way to a server. Password and certificates are read each time, because they may be replaced meanwhile.
pub(super) fn client(
    address: ConnectionInfo,
    user: &User<'_>,
    ca_file: Option<&Path>,
) -> Result<Client, OpenError> {
    let is_tls = is_tls(&address);
    let address = with_user(address, user)?.set_tcp_settings(
        TcpSettings::default()
            .set_nodelay(true)
            .set_user_timeout(UNACKNOWLEDGED),
    );
    let client = if is_tls {
        // Fails only if a provider was chosen before, which is as good.
        let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let root_cert = ca_file.map(read).transpose()?;
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

fn with_user(address: ConnectionInfo, user: &User<'_>) -> Result<ConnectionInfo, OpenError> {
    // A connection of RESP 3 tells at once when it is lost, not when it is next used.
    let mut settings = address
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        // A command more that the function's user would need a right for.
        .set_skip_set_lib_name();
    if let Some(name) = user.name {
        settings = settings.set_username(name);
    }
    if let Some(path) = user.password_file {
        let octets = Zeroizing::new(read(path)?);
        let text = std::str::from_utf8(&octets).unwrap_or_default();
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(OpenError::Config("a password file holds no text"));
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

/// One connection to a primary that serves. `respond` limits each call; `lost` is called when it breaks.
pub(super) async fn connect(
    client: &Client,
    respond: Duration,
    lost: impl Fn() + Send + Sync + 'static,
) -> Result<MultiplexedConnection, OpenError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(respond))
        .set_pipeline_buffer_size(1024)
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                lost();
            }
            Ok::<(), std::convert::Infallible>(())
        });
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(explain)?;
    let hello: Value = redis::cmd("HELLO")
        .query_async(&mut connection)
        .await
        .map_err(explain)?;
    checks::check_role(&hello)?;
    // A server that still reads its data greets, but does not serve.
    redis::cmd("PING")
        .exec_async(&mut connection)
        .await
        .map_err(explain)?;
    Ok(connection)
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
