//! Which shards give this kernel trouble, for whoever shows it.

use flowork_ports::roles::Trouble;
use flowork_ports::store::Error;
use flowork_protocol::ShardNo;
use tokio::sync::watch;

/// The troubles that are known now.
#[derive(Debug, Clone)]
pub(super) struct Health(watch::Sender<Vec<Trouble>>);

impl Health {
    pub(super) fn new(sender: watch::Sender<Vec<Trouble>>) -> Self {
        Self(sender)
    }

    /// The shard's loop cannot go on: all of it is out, unless that passes by itself.
    pub(super) fn rests(&self, shard: ShardNo, error: &Error) {
        self.put(Trouble::of(error, Some(shard), !error.passes()));
    }

    /// One job met a place that cannot be read or written.
    pub(super) fn met(&self, shard: ShardNo, error: &Error) {
        self.put(Trouble::of(error, Some(shard), false));
    }

    /// The shard works. Damage that was met stays named: it does not go away by itself.
    pub(super) fn works(&self, shard: ShardNo) {
        self.0.send_if_modified(|all| {
            let before = all.clone();
            all.retain(|it| it.shard != Some(shard) || it.is_damage);
            all.iter_mut().filter(|it| it.shard == Some(shard)).for_each(|it| it.is_out = false);
            *all != before
        });
    }

    fn put(&self, trouble: Trouble) {
        self.0.send_if_modified(|all| {
            if all.contains(&trouble) {
                return false;
            }
            all.retain(|it| it.shard != trouble.shard);
            all.push(trouble);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_forgotten_and_damage_stays_named() {
        let health = Health::new(watch::Sender::default());
        let told = || health.0.borrow().iter().map(|it| (it.file.clone(), it.is_out)).collect::<Vec<_>>();
        let file = "shards/01.db".to_owned();
        health.rests(ShardNo(1), &Error::Full { file: file.clone() });
        assert_eq!(told(), [(file.clone(), false)]);
        health.works(ShardNo(1));
        assert!(told().is_empty());
        health.rests(ShardNo(1), &Error::Damaged { file: file.clone(), detail: "x".to_owned() });
        assert_eq!(told(), [(file.clone(), true)]);
        health.works(ShardNo(1));
        assert_eq!(told(), [(file, false)]);
        health.works(ShardNo(0));
        assert_eq!(told().len(), 1);
    }
}
