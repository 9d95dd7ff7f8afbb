//! Where the servers are, as the configured URL says.

use std::path::PathBuf;
use std::sync::Arc;

use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, TlsCertificates,
};

use crate::error::LogError;

/// Certificates for TLS, as PEM files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that signed the server's certificate; none for those that the system trusts.
    pub authority: Option<PathBuf>,
    /// This program's own certificate and key, where the server asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The servers that a URL names, and how to speak to them.
#[derive(Clone)]
pub(crate) struct Place {
    /// For one of the hosts, or the socket: address, credentials, database.
    pattern: ConnectionInfo,
    /// The hosts; none for a socket.
    pub(crate) hosts: Vec<Node>,
    /// The hosts are sentinels, which know where the master of this name is.
    pub(crate) master: Option<String>,
    /// What is shown of it, without the password.
    pub(crate) shown: Arc<str>,
}

impl Place {
    /// Reads a URL: `redis://host:port/db`, with several hosts for a cluster; `rediss://` for
    /// TLS; `unix:///path`; `redis+sentinel://host:port,host:port/master`.
    pub(crate) fn parse(url: &str, tls: &TlsFiles) -> Result<Self, LogError> {
        // The client's messages may repeat the URL, password and all: they are not shown.
        let wrong = |reason: &str| LogError::Url { reason: reason.to_owned() };
        let senseless = || wrong("the configured URL of Redis cannot be understood");
        let (scheme, rest) = url.split_once("://").ok_or_else(senseless)?;
        let (scheme, sentinels) = match scheme.strip_suffix("+sentinel") {
            Some(scheme) => (scheme, true),
            None => (scheme, false),
        };
        let secure = matches!(scheme, "rediss" | "valkeys");
        if secure {
            // An error says that the program has chosen another before, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        if scheme.contains("unix") {
            let pattern = url.into_connection_info().map_err(|_| senseless())?;
            let shown = shown(&pattern, &[], None);
            return Ok(Self { pattern, hosts: Vec::new(), master: None, shown });
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (format!("{credentials}@"), hosts),
            None => (String::new(), authority),
        };
        let (master, path) = if sentinels {
            let (master, path) = path.split_once('/').unwrap_or((path, ""));
            if master.is_empty() {
                return Err(wrong("the URL names sentinels and not the master that they watch"));
            }
            (Some(master.to_owned()), path)
        } else {
            (None, path)
        };
        let info_of = |host: &str| {
            format!("{scheme}://{credentials}{host}/{path}")
                .into_connection_info()
                .map_err(|_| senseless())
        };
        let default_port = if sentinels { 26_379 } else { 6_379 };
        let mut nodes = Vec::new();
        let mut pattern = None;
        for host in hosts.split(',') {
            let has_port =
                host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let host = if has_port { host.to_owned() } else { format!("{host}:{default_port}") };
            let info = info_of(&host)?;
            nodes.push(node_of(info.addr()).ok_or_else(senseless)?);
            pattern = pattern.or(Some(info));
        }
        let pattern = certified(pattern.ok_or_else(senseless)?, tls, secure)?;
        let shown = shown(&pattern, &nodes, master.as_deref());
        Ok(Self { pattern, hosts: nodes, master, shown })
    }

    /// The database: 0 unless the URL says otherwise.
    pub(crate) fn db(&self) -> i64 {
        self.pattern.redis_settings().db()
    }

    /// Whether a user is named: not the server's default one.
    pub(crate) fn has_user(&self) -> bool {
        self.pattern.redis_settings().username().is_some_and(|user| user != "default")
    }

    /// How to speak to one of the servers; none for the socket.
    pub(crate) fn info(&self, node: Option<&Node>) -> ConnectionInfo {
        let Some(node) = node else { return self.pattern.clone() };
        let (host, port) = (node.host.clone(), node.port);
        let address = match self.pattern.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        self.pattern.clone().set_addr(address)
    }

    /// The same without credentials and database: how to speak to a sentinel that has none.
    pub(crate) fn info_without_credentials(&self, node: &Node) -> ConnectionInfo {
        self.info(Some(node)).set_redis_settings(RedisConnectionInfo::default())
    }
}

fn node_of(address: &ConnectionAddr) -> Option<Node> {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some(Node { host: host.clone(), port: *port })
        }
        _ => None,
    }
}

/// Puts the certificates in.
fn certified(
    info: ConnectionInfo,
    tls: &TlsFiles,
    secure: bool,
) -> Result<ConnectionInfo, LogError> {
    if *tls == TlsFiles::default() {
        return Ok(info);
    }
    let wrong = |reason: String| LogError::Url { reason };
    if !secure {
        return Err(wrong("certificates are configured and the URL is not rediss://".to_owned()));
    }
    let read = |path: &PathBuf| {
        std::fs::read(path)
            .map_err(|error| wrong(format!("the certificate {}: {error}", path.display())))
    };
    let client_tls = match &tls.client {
        Some((cert, key)) => {
            Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? })
        }
        None => None,
    };
    let root_cert = tls.authority.as_ref().map(read).transpose()?;
    let certificates = TlsCertificates { client_tls, root_cert };
    let client = Client::build_with_tls(info, certificates)
        .map_err(|error| wrong(format!("the configured certificates cannot be used: {error}")))?;
    Ok(client.get_connection_info().clone())
}

fn shown(pattern: &ConnectionInfo, hosts: &[Node], master: Option<&str>) -> Arc<str> {
    let mut shown = match hosts {
        [] => pattern.addr().to_string(),
        hosts => hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    };
    if let Some(master) = master {
        shown = format!("{master} (sentinels {shown})");
    }
    match pattern.redis_settings().db() {
        0 => shown.into(),
        db => format!("{shown}/{db}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<Place, LogError> {
        Place::parse(url, &TlsFiles::default())
    }

    fn shown(url: &str) -> String {
        place(url).unwrap().shown.to_string()
    }

    #[test]
    fn the_password_of_a_url_is_never_shown() {
        assert_eq!(shown("redis://bettor:s3cret@db.example:6380/2"), "db.example:6380/2");
        assert_eq!(shown("redis://:s3cret@a:1,b,c:3"), "a:1,b:6379,c:3");
        for wrong in [
            "redis://bettor:s3cret@:x",
            "http://s3cret@host",
            "s3cret",
            "redis://s3cret@a,:x",
            "redis+sentinel://s3cret@a:1",
        ] {
            let shown = place(wrong).map(|_| ()).unwrap_err().to_string();
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }

    #[test]
    fn sentinels_are_asked_for_the_master_that_the_url_names() {
        let place = place("redis+sentinel://user:word@one,two:5/prices/3").unwrap();
        assert_eq!(place.master.as_deref(), Some("prices"));
        assert_eq!(place.db(), 3);
        let hosts: Vec<String> = place.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["one:26379", "two:5"]);
        let master = place.info(Some(&Node { host: "three".to_owned(), port: 7 }));
        assert_eq!(master.addr().to_string(), "three:7");
        assert_eq!(master.redis_settings().username(), Some("user"));
        let sentinel = place.info_without_credentials(&place.hosts[0]);
        assert_eq!(
            (sentinel.redis_settings().username(), sentinel.redis_settings().db()),
            (None, 0)
        );
    }

    #[test]
    fn certificates_that_cannot_be_used_are_refused_with_the_file() {
        let missing = TlsFiles { authority: Some("/nowhere/ca.pem".into()), client: None };
        for (url, named) in [("rediss://a", "/nowhere/ca.pem"), ("redis://a", "not rediss://")] {
            let error = Place::parse(url, &missing).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
