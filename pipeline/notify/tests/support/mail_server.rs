//! A real mail server, a process of its own, that keeps what it gets.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mail server on a free port of this machine, with a certificate of its own.
pub(crate) struct MailServer {
    folder: tempfile::TempDir,
    child: Child,
    pub(crate) port: u16,
}

impl MailServer {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(path("key.pem"))
            .arg("-out")
            .arg(path("certificate.pem"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join("target/mail/bin/python");
        assert!(python.exists(), "the mail server of the tests is missing; run `make setup`");
        let mut child = Command::new(python)
            .arg(root.join("pipeline/notify/tests/support/mail_server.py"))
            .args([folder.path().to_owned(), path("certificate.pem"), path("key.pem")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { folder, child, port: port.trim().parse().unwrap() }
    }

    /// The certificate that its clients have to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// What it got, in order.
    pub(crate) fn mails(&self) -> Vec<String> {
        let mail = |number: u32| {
            std::fs::read_to_string(self.folder.path().join(format!("{number}.eml"))).ok()
        };
        (1..).map_while(mail).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
