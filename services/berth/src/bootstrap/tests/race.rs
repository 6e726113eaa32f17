//! Several at once, and some that are cut off.

use nf_runtime::random::Random;

use super::*;

#[tokio::test]
async fn several_at_once_end_with_one_set() {
    for seed in 0..40 {
        let server = Server {
            turns: Some(Random::seeded(seed)),
            ..Server::default()
        };
        let spec = example();
        let all = futures::future::join_all((0..4).map(|_| run(&server, &spec, now()))).await;
        for ended in all {
            ended.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        }
        assert_fits(&server);
        let first = server.contents();
        run(&server, &spec, now()).await.unwrap();
        assert_eq!(server.contents(), first, "seed {seed}");
    }
}

#[tokio::test]
async fn one_that_was_cut_off_is_finished_by_the_next() {
    let whole = Spec::parse(&example()).unwrap().secrets.len();
    for made in 0..whole {
        let server = Server::default();
        let spec = example();
        let until = async {
            while server.objects.lock().unwrap().len() < made {
                tokio::task::yield_now().await;
            }
        };
        let slow = Slow(&server);
        let spec_read = Spec::parse(&spec).unwrap();
        let random = Random::system();
        tokio::select! {
            biased;
            () = until => {}
            ended = make(&spec_read, &slow, now(), &random) => panic!("{ended:?} before {made} are made"),
        }
        let before = server.contents();
        assert_eq!(before.len(), made);
        run(&server, &spec, now()).await.unwrap();
        assert_fits(&server);
        for (name, data) in before {
            assert_eq!(server.contents()[&name], data, "{name}");
        }
    }
}

/// Gives others a turn after each answer.
struct Slow<'a>(&'a Server);

impl Secrets for Slow<'_> {
    async fn get(&self, name: &str) -> Result<Option<Value>> {
        tokio::task::yield_now().await;
        self.0.get(name).await
    }

    async fn create(&self, object: &Value) -> Result<Outcome> {
        tokio::task::yield_now().await;
        self.0.create(object).await
    }

    async fn replace(&self, name: &str, object: &Value) -> Result<Outcome> {
        self.0.replace(name, object).await
    }
}
