//! What a supervisor hands to a role at its birth: open files, over a socket pair that serves for nothing else.
//!
//! The role's standard input is one end of that pair. It carries one byte and the open files beside it (SCM_RIGHTS): its link,
//! the data directory's lock, and what only this role gets (its key as sealed memory, the listening socket). Then it is
//! closed, so nothing that a role starts later inherits anything of use.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use zeroize::Zeroizing;

/// The most open files that a role is handed.
const FILES_MAX: usize = 4;
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 4_096;

/// Sends open files. Never blocks: the pair is fresh and empty.
pub(crate) fn send(pair: &UnixStream, files: &[BorrowedFd<'_>]) -> std::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if files.len() > FILES_MAX || !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(std::io::Error::other(format!("{} files are more than a role is handed", files.len())));
    }
    rustix::net::sendmsg(pair, &[IoSlice::new(b"f")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes the open files that [`send`] sent, in its order.
pub(crate) fn receive(pair: impl AsFd) -> std::io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8; 1];
    rustix::net::recvmsg(pair, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            files.extend(sent);
        }
    }
    Ok(files)
}

/// `key` in memory that no process can change any more, for handing to one role again and again.
pub(crate) fn seal_key(name: &str, key: &[u8]) -> std::io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut written = 0;
    while written < key.len() {
        written += rustix::io::pwrite(&file, &key[written..], written as u64)?;
    }
    rustix::fs::fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(file)
}

/// Reads what [`seal_key`] sealed; anything else is refused.
pub(crate) fn read_key(file: impl AsFd) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let seals = rustix::fs::fcntl_get_seals(&file)?;
    if !seals.contains(SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW) {
        return Err(std::io::Error::other("the key was not handed over in sealed memory"));
    }
    let mut key = Zeroizing::new(vec![0_u8; KEY_BYTES_MAX]);
    let mut read = 0;
    loop {
        match rustix::io::pread(&file, &mut key[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    key.truncate(read);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_arrive_in_order() {
        let (parent, child) = UnixStream::pair().unwrap();
        let keys = [seal_key("one", b"first").unwrap(), seal_key("two", b"second").unwrap()];
        send(&parent, &[keys[0].as_fd(), keys[1].as_fd()]).unwrap();
        drop(parent);
        let got = receive(&child).unwrap();
        let texts: Vec<_> = got.iter().map(|file| read_key(file).unwrap().to_vec()).collect();
        assert_eq!(texts, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[test]
    fn a_sealed_key_can_be_read_again_and_again_and_not_changed() {
        let key = seal_key("key", b"secret").unwrap();
        for _ in 0..2 {
            assert_eq!(read_key(&key).unwrap().as_slice(), b"secret");
        }
        assert!(rustix::io::pwrite(&key, b"x", 0).is_err());
    }

    #[test]
    fn memory_without_seals_is_refused() {
        let file = rustix::fs::memfd_create("open", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        assert!(read_key(&file).is_err());
    }

    #[test]
    fn a_closed_pair_gives_no_files() {
        let (parent, child) = UnixStream::pair().unwrap();
        drop(parent);
        assert!(receive(&child).unwrap().is_empty());
    }
}
