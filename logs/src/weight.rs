//! How much a line says, to choose between two readings of it.

use meshwhy_core::Facts;

/// The number of facts that tell what happened and where.
pub(crate) fn of(facts: &Facts<'_>) -> usize {
    let texts = [
        &facts.details,
        &facts.termination_details,
        &facts.upstream_transport_failure,
        &facts.downstream_transport_failure,
        &facts.upstream_local_close,
        &facts.downstream_local_close,
        &facts.policy_status,
        &facts.protocol,
        &facts.method,
        &facts.path,
        &facts.authority,
        &facts.request_id,
        &facts.route,
        &facts.cluster,
        &facts.upstream_host,
        &facts.upstream_local_address,
        &facts.downstream_local_address,
        &facts.downstream_remote_address,
        &facts.server_name,
        &facts.annotated_code,
        &facts.start_time,
    ];
    let told = [facts.status.is_some(), facts.flags.is_some(), facts.duration_ms.is_some(), facts.grpc_status.is_some()];
    let told = told.into_iter().filter(|known| *known).count();
    told + texts.into_iter().flatten().count() + usize::from(facts.event.is_some())
}
