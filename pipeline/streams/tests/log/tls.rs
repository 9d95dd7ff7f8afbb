//! The log over TLS, with certificates that the test makes.

use std::path::{Path, PathBuf};

use marabet_streams::{Log, LogError, LogOptions, Namespace, ShutdownTrigger, Stream, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::servers::{Process, free_port};
use crate::support::{facts, spawn_first, until, until_derived, writer};

/// An authority, and a certificate by it, as files of a folder: authority, certificate, key.
fn certificates(folder: &Path) -> [PathBuf; 3] {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "the authority of a test");
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let texts = [authority_pem, certificate.pem(), key.serialize_pem()];
    let paths = ["authority.pem", "certificate.pem", "key.pem"].map(|name| folder.join(name));
    for (path, text) in paths.iter().zip(texts) {
        std::fs::write(path, text).unwrap();
    }
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_line_runs_over_tls_with_certificates_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let [authority, certificate, key] = certificates(folder.path());
    let port = free_port();
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let server = Process::start(&[
        &["tls-port", &port.to_string()],
        &["tls-cert-file", &text(&certificate)],
        &["tls-key-file", &text(&key)],
        &["tls-ca-cert-file", &text(&authority)],
        &["tls-auth-clients", "yes"],
    ]);
    until("the server answers", || async {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    server.ready().await;
    let open = |tls: TlsFiles| {
        let url = format!("rediss://localhost:{port}");
        let connect_wait = std::time::Duration::from_millis(200);
        let options = LogOptions { tls, connect_wait, ..LogOptions::default() };
        async move { Log::open(&url, Namespace::new("mb", 1).unwrap(), options).await }
    };

    let client = Some((certificate, key));
    let log = open(TlsFiles { authority: Some(authority.clone()), client }).await.unwrap();
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let _tasks = spawn_first(&log, &shutdown);
    let writer = writer(&log).await;
    writer.append(&facts(5, 5)).await.unwrap();
    writer.close().await.unwrap();
    until_derived(&log, Stream::Priced, 25).await;

    // Without the authority the server is not believed, and without a certificate we are not.
    let without = [TlsFiles::default(), TlsFiles { authority: Some(authority), client: None }];
    for tls in without {
        let refused = open(tls).await.unwrap_err();
        assert!(matches!(refused, LogError::Away { .. }), "{refused}");
    }
}
