//! The table, watched: when nothing can be written to it any more, this process must end so that a fresh one can.

use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::documents::DocumentTable;
use flowork_ports::store::Error;

use crate::shelf::OnFatal;

/// Passes everything on to a table.
pub(crate) struct Watched {
    pub(crate) table: Arc<dyn DocumentTable>,
    pub(crate) on_fatal: OnFatal,
}

impl Watched {
    fn seen<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error @ Error::Ended { .. }) = &result {
            (self.on_fatal)(error.to_string());
        }
        result
    }
}

#[async_trait]
impl DocumentTable for Watched {
    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.seen(self.table.load(key).await)
    }

    async fn load_range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.seen(self.table.load_range(prefix).await)
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.seen(self.table.keys(prefix).await)
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.seen(self.table.put(key, bytes).await)
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.seen(self.table.delete(key).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    #[async_trait]
    impl DocumentTable for Broken {
        async fn load(&self, _: &str) -> Result<Option<Vec<u8>>, Error> {
            Ok(None)
        }

        async fn load_range(&self, _: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
            Ok(Vec::new())
        }

        async fn keys(&self, _: &str) -> Result<Vec<String>, Error> {
            Ok(Vec::new())
        }

        async fn put(&self, _: &str, _: Vec<u8>) -> Result<(), Error> {
            Err(Error::Ended { file: "documents.db".to_owned() })
        }

        async fn delete(&self, _: &str) -> Result<(), Error> {
            Err(Error::Full { file: "documents.db".to_owned() })
        }
    }

    #[tokio::test]
    async fn only_a_table_that_can_never_be_written_again_is_a_reason_to_end() {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let table = Watched { table: Arc::new(Broken), on_fatal: Arc::new(move |why| drop(tell.send(why))) };
        assert!(table.delete("a").await.is_err() && told.try_recv().is_err());
        assert!(table.put("a", Vec::new()).await.is_err());
        assert!(told.try_recv().is_ok_and(|why| why.contains("documents.db")));
    }
}
