//! What a server may answer to a notification.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

/// Whatever a server answers, a delivery ends, and what is said of it does not have the secret.
///
/// `deliver` sends a message to the server of this address, such as `http://127.0.0.1:4000`, with this secret, and
/// says what came of it.
///
/// # Panics
///
/// If it does not hold.
pub fn check_replies(bytes: &[u8], deliver: impl FnOnce(&str, &str) -> String) {
    const SECRET: &str = "s3cr3tW0rdThatNobodyMaySee";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let said = std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let Ok((mut connection, _)) = listener.accept() else { return };
            let _ = connection.set_read_timeout(Some(Duration::from_millis(200)));
            let mut request = [0; 16 << 10];
            let _ = connection.read(&mut request);
            let _ = connection.write_all(bytes);
            let _ = connection.shutdown(Shutdown::Write);
        });
        let said = deliver(&address, SECRET);
        // If nobody came, the server is still waiting.
        let _ = std::net::TcpStream::connect(listener.local_addr().unwrap());
        // Joined by hand, so that all of the thread has ended: what it frees last would be taken for a leak.
        server.join().unwrap();
        said
    });
    assert!(!said.contains(SECRET), "{said}");
    assert!(said.len() < 4000, "{} bytes are said", said.len());
}
