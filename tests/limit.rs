//! What `make bench` holds uploads against: the same requests written to one socket, bare or under rustls, by a program
//! that does nothing else. It checks no picture and no answer, hides no secret and remembers nothing.
//!
//!     limit HOST:PORT PICTURE COUNT [CA]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, picture, count, rest @ ..] = &arguments[..] else {
        return Err("usage: limit HOST:PORT PICTURE COUNT [CA]".into());
    };
    let picture = fs::read(picture)?;
    let count = count.parse()?;
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    let [authority] = rest else {
        return Ok(upload(socket, &picture, count)?);
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "127.0.0.1".try_into()?)?;
    Ok(upload(StreamOwned::new(session, socket), &picture, count)?)
}

/// Uploads the picture for so many accounts, each when the one before was answered.
fn upload(mut wire: impl Read + Write, picture: &[u8], count: usize) -> io::Result<()> {
    let boundary = "avatarctl-0";
    for n in 0..count {
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"userId\"\r\n\r\nid{n:015}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"avatar.webp\"\r\n\
             Content-Type: image/webp\r\n\r\n"
        )
        .into_bytes();
        body.extend(picture);
        body.extend(format!("\r\n--{boundary}--\r\n").bytes());
        let mut request = format!(
            "POST /api/v1/users.setAvatar HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\
             content-type: multipart/form-data; boundary={boundary}\r\nuser-agent: limit\r\n\
             x-user-id: id\r\nx-auth-token: token\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        wire.write_all(&request)?;
        // The answers of the bench's server end so.
        let mut answer = Vec::new();
        while !answer.ends_with(b"0\r\n\r\n") {
            let mut block = [0; 4096];
            match wire.read(&mut block)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                amount => answer.extend(&block[..amount]),
            }
        }
    }
    Ok(())
}
