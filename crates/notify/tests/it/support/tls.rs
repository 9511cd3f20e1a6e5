//! A private certificate authority, and TLS in front of a server that has none.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::raw::Raw;

/// A folder with `ca.pem`, and a certificate for 127.0.0.1 and localhost in `leaf.pem` and `leaf.key`.
pub fn authority() -> TempDir {
    static PROVIDER: Once = Once::new();
    // The mail server of the tests brings a second provider, so that one has to be chosen for it.
    PROVIDER.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());

    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();

    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("ca.pem", ca_pem), ("leaf.pem", leaf.pem()), ("leaf.key", key.serialize_pem())] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// TLS with the certificate in `folder`, in front of `backend`.
pub fn front(folder: &TempDir, backend: SocketAddr) -> Raw {
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let certificate = CertificateDer::from_pem_file(file("leaf.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("leaf.key")).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let config = Arc::new(config.unwrap());
    Raw::serving(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        // Either side may leave in the middle; that is what ends the pump.
        let _ = pump(StreamOwned::new(session, stream), TcpStream::connect(backend).unwrap());
    })
}

/// Carries bytes both ways until one side leaves.
fn pump(mut outside: StreamOwned<ServerConnection, TcpStream>, mut inside: TcpStream) -> io::Result<()> {
    let turn = Some(Duration::from_millis(5));
    outside.sock.set_read_timeout(turn)?;
    inside.set_read_timeout(turn)?;
    loop {
        if !carry(&mut outside, &mut inside)? || !carry(&mut inside, &mut outside)? {
            return Ok(());
        }
    }
}

/// Carries what is there; false once `from` has ended.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut buffer = [0; 16 << 10];
    match from.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            to.write_all(&buffer[..count])?;
            to.flush()?;
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
        Err(error) => Err(error),
    }
}
