//! Which process a connection belongs to. Only Linux tells, in `/proc`.

use std::collections::HashMap;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether the other end of a connection on this machine is a socket of this user, in this process or one that descends from
/// it. True where the system does not tell.
pub(super) fn is_held_by(own_port: u16, peer_port: u16, pid: u32) -> bool {
    if !Path::new("/proc/net/tcp").exists() {
        return true;
    }
    let Some((uid, inode)) = owner(own_port, peer_port) else { return false };
    let is_own_user = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == uid);
    is_own_user && (has_socket(pid, &inode) || descendants(pid).into_iter().any(|process| has_socket(process, &inode)))
}

/// The user and the inode of the peer's socket.
fn owner(own_port: u16, peer_port: u16) -> Option<(u32, String)> {
    let (own, peer) = (kernel_form(own_port), kernel_form(peer_port));
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            // In the table for IPv6, the address ends with the IPv4 address.
            let is_peer = fields.len() > 9 && fields[1].ends_with(&peer) && fields[2].ends_with(&own);
            is_peer.then(|| Some((fields[7].parse().ok()?, fields[9].to_owned())))?
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

fn has_socket(pid: u32, inode: &str) -> bool {
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
