//! Who takes what away.

use std::sync::{Arc, Mutex, MutexGuard};

use nf_api::Caller;
use nf_api::pb::aanf::access_policy_service_server::{
    AccessPolicyService, AccessPolicyServiceServer,
};
use nf_api::pb::aanf::{
    DeleteAccessPolicyResponse, ListAccessPoliciesResponse, PutAccessPolicyResponse,
};
use nf_api::pb::ausf::manufacturer_service_server::{
    ManufacturerService, ManufacturerServiceServer,
};
use nf_api::pb::ausf::{
    DeleteManufacturerResponse, ListManufacturersResponse, PutManufacturerResponse,
};
use nf_api::pb::subscription_manager::plan_service_server::{PlanService, PlanServiceServer};
use nf_api::pb::subscription_manager::{DeletePlanResponse, ListPlansResponse, PutPlanResponse};
use nf_runtime::Runtime;
use nf_runtime::grpc::in_process;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::*;

#[test]
fn a_throw_away_name_tells_its_age_and_others_tell_none() {
    let name = throw_away_name("berth-check-", 1_767_225_600, 0xabc);
    assert_eq!(name, "berth-check-1767225600-00000abc");
    assert_eq!(made_at(&name, "berth-check-"), Some(1_767_225_600));
    assert_eq!(made_at("berth-checked", "berth-check-"), None);
    assert_eq!(made_at("Acme", "berth-check-"), None);
}

#[test]
fn a_policy_fits_if_the_server_gets_keys_and_names() {
    assert!(fits(&policy("a.test")));
    let mut of_somebody_else = policy("a.test");
    of_somebody_else.caller = "nf/other".to_owned();
    assert!(!fits(&of_somebody_else));
    let mut nameless = policy("a.test");
    nameless.ue_id_form = access_policy::UeIdForm::None.into();
    assert!(!fits(&nameless));
    let mut one_suite = policy("a.test");
    one_suite.ua_star_ids = vec![vec![1, 0, 1, 0xc0, 0xa8]];
    assert!(fits(&one_suite));
    let mut of_another_family = policy("a.test");
    of_another_family.ua_star_ids = vec![vec![1, 0, 2]];
    assert!(!fits(&of_another_family));
}

/// What is registered at the functions, and whom the next removal of a policy lets in before it.
#[derive(Clone, Default)]
struct Registers(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    manufacturers: Vec<Manufacturer>,
    policies: Vec<AccessPolicy>,
    enters: Option<Registration>,
}

type Answer<T> = Result<Response<T>, Status>;

impl Registers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn channel(&self, function: NetworkFunction) -> Result<Channel> {
        let mut routes = Routes::builder();
        match function {
            NetworkFunction::Ausf => {
                routes.add_service(ManufacturerServiceServer::new(self.clone()));
            }
            NetworkFunction::Aanf => {
                routes.add_service(AccessPolicyServiceServer::new(self.clone()));
            }
            _ => {
                routes.add_service(PlanServiceServer::new(self.clone()));
            }
        }
        let operator = Caller::Operator {
            name: "lab".to_owned(),
        };
        let runtime = Runtime::for_tests();
        Ok(in_process(routes.routes(), operator, &runtime))
    }

    async fn enter(&self, registration: &mut Registration) {
        registration
            .put(&|function| self.channel(function))
            .await
            .unwrap();
    }

    async fn leave(&self, registration: &Registration) {
        registration
            .remove(&|function| self.channel(function))
            .await
            .unwrap();
    }

    /// The policy of an application function.
    fn policy(&self, af_fqdn: &str) -> Option<AccessPolicy> {
        let state = self.state();
        let mut policies = state.policies.iter();
        policies.find(|policy| policy.af_fqdn == af_fqdn).cloned()
    }
}

#[tonic::async_trait]
impl ManufacturerService for Registers {
    async fn put(
        &self,
        request: Request<PutManufacturerRequest>,
    ) -> Answer<PutManufacturerResponse> {
        let entry = request.into_inner().manufacturer.unwrap();
        let mut state = self.state();
        state.manufacturers.retain(|other| other.name != entry.name);
        state.manufacturers.push(entry);
        Ok(Response::new(Default::default()))
    }

    async fn list(
        &self,
        _: Request<ListManufacturersRequest>,
    ) -> Answer<ListManufacturersResponse> {
        Ok(Response::new(ListManufacturersResponse {
            manufacturers: self.state().manufacturers.clone(),
        }))
    }

    async fn delete(
        &self,
        request: Request<DeleteManufacturerRequest>,
    ) -> Answer<DeleteManufacturerResponse> {
        let name = request.into_inner().name;
        self.state()
            .manufacturers
            .retain(|entry| entry.name != name);
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl AccessPolicyService for Registers {
    async fn put(
        &self,
        request: Request<PutAccessPolicyRequest>,
    ) -> Answer<PutAccessPolicyResponse> {
        let policy = request.into_inner().policy.unwrap();
        let mut state = self.state();
        state
            .policies
            .retain(|other| other.af_fqdn != policy.af_fqdn);
        state.policies.push(policy);
        Ok(Response::new(Default::default()))
    }

    async fn list(
        &self,
        _: Request<ListAccessPoliciesRequest>,
    ) -> Answer<ListAccessPoliciesResponse> {
        Ok(Response::new(ListAccessPoliciesResponse {
            policies: self.state().policies.clone(),
        }))
    }

    async fn delete(
        &self,
        request: Request<DeleteAccessPolicyRequest>,
    ) -> Answer<DeleteAccessPolicyResponse> {
        let enters = self.state().enters.take();
        if let Some(mut enters) = enters {
            self.enter(&mut enters).await;
        }
        let af_fqdn = request.into_inner().af_fqdn;
        self.state()
            .policies
            .retain(|policy| policy.af_fqdn != af_fqdn);
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl PlanService for Registers {
    async fn put(&self, _: Request<PutPlanRequest>) -> Answer<PutPlanResponse> {
        Ok(Response::new(Default::default()))
    }

    async fn list(&self, _: Request<ListPlansRequest>) -> Answer<ListPlansResponse> {
        Ok(Response::new(Default::default()))
    }

    async fn delete(&self, _: Request<DeletePlanRequest>) -> Answer<DeletePlanResponse> {
        Ok(Response::new(Default::default()))
    }
}

fn laboratory(name: &str, af_fqdn: &str) -> Registration {
    Registration {
        manufacturer: Manufacturer {
            name: name.to_owned(),
            ..Manufacturer::default()
        },
        plan: Plan::default(),
        policy: policy(af_fqdn),
    }
}

#[tokio::test]
async fn who_enters_while_another_leaves_keeps_the_policy() {
    let registers = Registers::default();
    let mut leaves = laboratory("first", "a.test");
    registers.enter(&mut leaves).await;
    registers.state().enters = Some(laboratory("second", "a.test"));
    registers.leave(&leaves).await;
    assert_eq!(registers.policy("a.test"), Some(policy("a.test")));

    let mut second = laboratory("second", "a.test");
    registers.enter(&mut second).await;
    registers.leave(&second).await;
    assert_eq!(registers.policy("a.test"), None);
}

#[tokio::test]
async fn an_operators_policy_is_never_touched() {
    let registers = Registers::default();
    let mut before = laboratory("before", "a.test");
    registers.enter(&mut before).await;
    let operators = AccessPolicy {
        max_lifetime_seconds: 3_600,
        ..policy("a.test")
    };
    registers.state().policies = vec![operators.clone()];
    // One that was killed has left its mark.
    let mut after = laboratory("after", "a.test");
    registers.enter(&mut after).await;
    assert_eq!(registers.policy("a.test"), Some(operators.clone()));
    registers.leave(&after).await;
    registers.leave(&before).await;
    assert_eq!(registers.policy("a.test"), Some(operators));
}

#[tokio::test]
async fn a_policy_goes_with_the_last_that_relies_on_it_and_not_on_another() {
    let registers = Registers::default();
    let mut lasting = laboratory("lasting", "a.test");
    registers.enter(&mut lasting).await;
    let mut misspelt = laboratory("misspelt", "B.test");
    registers.enter(&mut misspelt).await;
    registers.leave(&misspelt).await;
    assert_eq!(registers.policy("B.test"), None);
    assert!(registers.policy("a.test").is_some());

    let mut killed = laboratory("berth-check-1-0", "c.test");
    registers.enter(&mut killed).await;
    let channels = |function| registers.channel(function);
    let removed = remove_leftovers("berth-check-", Duration::from_secs(1), 3, &channels).await;
    assert_eq!(removed.unwrap(), 1);
    assert_eq!(registers.policy("c.test"), None);
}
