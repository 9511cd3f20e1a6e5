//! Servers that misbehave: plain sockets with a few lines of bad manners.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// A listening socket; each connection is handled on a thread of its own until the process ends.
pub struct Raw {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    pub fn serving(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let handle = Arc::new(handle);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let handle = Arc::clone(&handle);
                thread::spawn(move || handle(stream));
            }
        });
        Self { address, connections }
    }

    /// Accepts and never says a word.
    pub fn hanging() -> Self {
        Self::serving(|mut stream| {
            // Reading until the client leaves keeps the connection open exactly as long as it waits.
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// Accepts and closes at once.
    pub fn refusing() -> Self {
        Self::serving(drop)
    }

    /// Says `opening`, then one byte of `drip` now and then, for ever.
    pub fn dripping(opening: &'static str, drip: u8) -> Self {
        Self::serving(move |mut stream| {
            let _ = stream.write_all(opening.as_bytes());
            while stream.write_all(&[drip]).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        })
    }

    /// Answers every connection with `reply`, and as much of `flood` as the client takes.
    pub fn flooding(reply: &'static str, flood: &'static [u8]) -> Self {
        Self::serving(move |mut stream| {
            let _ = stream.write_all(reply.as_bytes());
            while !flood.is_empty() && stream.write_all(flood).is_ok() {}
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// An address on which nobody listens. No server of the tests is at 127.0.0.3, so none can be given the port meanwhile.
pub fn nobody() -> SocketAddr {
    // Where the machine has one address for itself, another server may come in between.
    let listener = TcpListener::bind("127.0.0.3:0").or_else(|_| TcpListener::bind("127.0.0.1:0"));
    listener.unwrap().local_addr().unwrap()
}
