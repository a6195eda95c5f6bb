//! Which process a connection belongs to. Only Linux tells, by netlink and in `/proc`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Held while all processes are looked at, which takes milliseconds.
static LOOKING: Mutex<()> = Mutex::new(());

/// Whether the other end of a connection on this machine is a socket of this user, in this process or one that descends from
/// it. True where the system does not tell.
pub(super) fn is_held_by(own_port: u16, peer_port: u16, pid: u32) -> bool {
    if !Path::new("/proc/net/tcp").exists() {
        return true;
    }
    // A sandbox may have no netlink.
    let owner = owner_by_netlink(own_port, peer_port).unwrap_or_else(|_| owner_by_table(own_port, peer_port));
    let Some((uid, inode)) = owner else { return false };
    if !fs::metadata("/proc/self").is_ok_and(|own| own.uid() == uid) {
        return false;
    }
    if has_socket(pid, inode) {
        return true;
    }
    let _one_looks = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
    descendants(pid).into_iter().any(|process| has_socket(process, inode))
}

/// The user and the inode of the peer's socket. Takes 20 µs, however many connections there are; reading 25,000 lines of the
/// tables takes 40 ms.
#[cfg(target_os = "linux")]
fn owner_by_netlink(own_port: u16, peer_port: u16) -> io::Result<Option<(u32, u32)>> {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    // See sock_diag(7). Numbers are in the order of this machine, addresses in that of the network.
    let mut request = Vec::with_capacity(72);
    request.extend(72_u32.to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
    request.extend([0; 8]);
    request.extend([libc::AF_INET as u8, libc::IPPROTO_TCP as u8, 0, 0]);
    // In any state.
    request.extend([0xff; 4]);
    request.extend(peer_port.to_be_bytes());
    request.extend(own_port.to_be_bytes());
    for _ in 0..2 {
        request.extend(Ipv4Addr::LOCALHOST.octets());
        request.extend([0; 12]);
    }
    // On any device, with any cookie.
    request.extend([0; 4]);
    request.extend([0xff; 8]);

    // SAFETY: the socket is used here only, and the buffers have the lengths that are given.
    let (answer, length) = unsafe {
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, libc::NETLINK_SOCK_DIAG);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let netlink = OwnedFd::from_raw_fd(fd);
        let mut answer = [0_u8; 4096];
        if libc::send(netlink.as_raw_fd(), request.as_ptr().cast(), request.len(), 0) < 0 {
            return Err(io::Error::last_os_error());
        }
        let length = libc::recv(netlink.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0);
        (answer, usize::try_from(length).map_err(|_| io::Error::last_os_error())?)
    };
    read_diag(&answer[..length])
}

#[cfg(not(target_os = "linux"))]
fn owner_by_netlink(_own_port: u16, _peer_port: u16) -> io::Result<Option<(u32, u32)>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads the answer: the user and the inode of a socket, or an error number.
#[cfg(target_os = "linux")]
fn read_diag(answer: &[u8]) -> io::Result<Option<(u32, u32)>> {
    let number = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    let kind = answer.get(4..6).map(|kind| i32::from(u16::from_ne_bytes([kind[0], kind[1]])));
    if kind == Some(libc::NLMSG_ERROR) {
        let error = number(16).map_or(libc::EBADMSG, |number| number.cast_signed().wrapping_neg());
        return if error == libc::ENOENT { Ok(None) } else { Err(io::Error::from_raw_os_error(error)) };
    }
    // Before them: 16 bytes of head, family and state, what the request said, and the queues.
    match (number(80), number(84)) {
        (Some(uid), Some(inode)) => Ok(Some((uid, inode))),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The same from the tables of the system.
fn owner_by_table(own_port: u16, peer_port: u16) -> Option<(u32, u32)> {
    let (own, peer) = (kernel_form(own_port), kernel_form(peer_port));
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            // In the table for IPv6, the address ends with the IPv4 address.
            let is_peer = fields.len() > 9 && fields[1].ends_with(&peer) && fields[2].ends_with(&own);
            is_peer.then(|| Some((fields[7].parse().ok()?, fields[9].parse().ok()?)))?
        })
    })
}

fn kernel_form(port: u16) -> String {
    format!("{:08X}:{port:04X}", u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets()))
}

/// All processes that descend from this one.
fn descendants(ancestor: u32) -> Vec<u32> {
    let parents: HashMap<u32, u32> = processes().filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let descends = |mut pid: u32| {
        // A process that ends meanwhile could close a circle.
        for _ in 0..parents.len() {
            match parents.get(&pid) {
                Some(parent) if *parent == ancestor => return true,
                Some(parent) => pid = *parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().copied().filter(|pid| descends(*pid)).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the program's name, which may contain anything: state, parent.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn has_socket(pid: u32, inode: u32) -> bool {
    let wanted = format!("socket:[{inode}]");
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.as_os_str() == wanted.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::process;

    #[test]
    fn a_connection_belongs_to_its_process_and_to_no_other() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it connects");
        let peer = client.local_addr().expect("it is connected").port();
        let owner = owner_by_table(port, peer);
        assert!(owner.is_some_and(|(_, inode)| inode != 0), "{owner:?}");
        if cfg!(target_os = "linux") {
            assert_eq!(owner_by_netlink(port, peer).expect("there is netlink"), owner);
            assert_eq!(owner_by_netlink(port, 1).expect("there is netlink"), None);
        }
        assert!(is_held_by(port, peer, process::id()));
        assert!(is_held_by(port, peer, parent_of(process::id()).expect("a parent")), "a descendant counts");
        let mut other = process::Command::new("sleep").arg("60").spawn().expect("it starts");
        let is_other = is_held_by(port, peer, other.id());
        other.kill().expect("it is ours");
        other.wait().expect("it ends");
        assert!(!is_other);
        assert!(!is_held_by(port, 1, process::id()), "there is no such connection");
    }
}
