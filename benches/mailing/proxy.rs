//! A line that is slow but not narrow: whatever goes in comes out after half a round trip.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Pieces on their way in one direction.
const PIECES_MAX: usize = 1_024;
const PIECE_BYTES: usize = 64 * 1024;

/// Passes connections on to a port of this machine, on a thread of its own; answers its own port.
///
/// # Errors
/// When it cannot listen.
pub fn start(target: u16, round_trip: Duration) -> anyhow::Result<u16> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        runtime.block_on(async {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { continue };
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(carry(near_in, far_out, round_trip / 2));
                tokio::spawn(carry(far_in, near_out, round_trip / 2));
            }
        });
    });
    Ok(port)
}

/// One direction of one connection, until it is closed.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (put, mut take) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    tokio::spawn(async move {
        while let Some((due, piece)) = take.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    });
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        match from.read_buf(&mut piece).await {
            Ok(1..) if put.send((Instant::now() + delay, piece)).await.is_ok() => {}
            _ => return,
        }
    }
}
