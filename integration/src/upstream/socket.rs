//! Ports that need no server to misbehave.

use std::net::SocketAddr;

use anyhow::Result;
use socket2::{Domain, Socket, Type};

/// A port that is taken and not listened on: nobody else can have it, and connecting is refused.
pub fn bound() -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    Ok(socket)
}

/// A listener whose queue is full: the kernel drops further connection attempts without an answer.
pub fn blackhole() -> Result<Vec<Socket>> {
    let listener = bound()?;
    listener.listen(0)?;
    let address = listener.local_addr()?;
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        filler.set_nonblocking(true)?;
        // "In progress" is the answer that is wanted.
        let _ = filler.connect(&address);
        sockets.push(filler);
    }
    Ok(sockets)
}
