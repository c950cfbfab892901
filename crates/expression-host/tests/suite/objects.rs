//! `User.objects`, `Group.objects`, entitlements.

use serde_json::json;
use vestibule_expression::Value;
use vestibule_expression_host::DocumentObject;

use crate::Server;

#[tokio::test]
async fn users_and_groups_are_found_by_filters() {
    let server = Server::start().await;
    let group = server.app.create("authentik_core.group", json!({"name": "Staff", "attributes": {"floor": 3}})).await;
    let more = json!({"email": "anna@example.org", "groups": [group["pk"]]});
    server.app.user("Anna", "", more).await;
    server.app.user("b%b", "", json!({"is_active": false})).await;
    for (query, result) in [
        ("User.objects.filter(username='jdoe').first() == user", json!(true)),
        ("User.objects.filter(username='JDOE').exists()", json!(false)),
        ("User.objects.filter(username__iexact='JDOE').count()", json!(1)),
        ("User.objects.filter(username__in=['jdoe', 'Anna', 'x']).count()", json!(2)),
        ("User.objects.filter(username__in=[]).count()", json!(0)),
        ("User.objects.filter(username__startswith='a').exists()", json!(false)),
        ("User.objects.filter(username__istartswith='a').exists()", json!(true)),
        ("User.objects.filter(username__contains='%').count()", json!(1)),
        ("User.objects.filter(email__endswith='example.com').first().username", json!("jdoe")),
        ("User.objects.filter(email__iendswith='EXAMPLE.ORG').first().username", json!("Anna")),
        ("User.objects.filter(is_active=False).first().username", json!("b%b")),
        ("User.objects.exclude(is_active=False).count()", json!(2)),
        ("User.objects.filter(groups__name='Staff').first().username", json!("Anna")),
        ("User.objects.filter(username='jdoe').filter(is_active=False).first()", json!(null)),
        ("User.objects.filter(attributes__shoe__size=42).get(username='jdoe').pk", json!(server.jdoe)),
        ("[u.username for u in User.objects.filter(is_active=True).all()]", json!(["jdoe", "Anna"])),
        ("Group.objects.filter(name='Staff').first().attributes['floor']", json!(3)),
        ("Group.objects.get(pk=Group.objects.filter(users__username='Anna').first().pk).name", json!("Staff")),
        ("Group.objects.filter(name='x').exists()", json!(false)),
        ("Group.objects.count()", json!(1)),
    ] {
        let program = format!("from authentik.core.models import Group, User\nreturn {query}");
        assert_eq!(server.run(&program).await, Ok(result), "{query}");
    }
    for (query, reason) in [
        ("User.objects.get(username='x')", "ValueError: User matching query does not exist."),
        ("User.objects.get(is_active=True)", "ValueError: More than one User matches."),
        ("User.objects.filter(shoe='x')", "ValueError: Cannot resolve keyword into field: shoe"),
        ("User.objects.filter(password='x')", "ValueError: Cannot resolve keyword into field: password"),
        ("User.objects.filter(username__in='x')", "TypeError: `__in` needs a list"),
        ("User.objects.create(username='x')", "AttributeError: 'QuerySet' object has no attribute 'create'"),
    ] {
        let program = format!("from authentik.core.models import User\nreturn {query}");
        assert_eq!(server.run(&program).await, Err(reason.to_owned()), "{query}");
    }
    let unknown = server.run("from authentik.core.models import Token").await;
    assert_eq!(unknown, Err("ImportError: cannot import name 'Token' from 'authentik.core.models'".to_owned()));
}

#[tokio::test]
async fn entitlements_follow_their_bindings() {
    let server = Server::start().await;
    let parent = server.app.create("authentik_core.group", json!({"name": "all"})).await;
    let group = server.app.create("authentik_core.group", json!({"name": "staff", "parents": [parent["pk"]]})).await;
    let other = server.app.user("other", "", json!({"groups": [group["pk"]]})).await;
    let app = server.app.create("authentik_core.application", json!({"name": "Wiki", "slug": "wiki"})).await;
    for (name, binding) in [
        ("c own", json!({"user": server.jdoe})),
        ("b inherited", json!({"group": parent["pk"]})),
        ("a disabled", json!({"user": server.jdoe, "enabled": false})),
        ("d not theirs", json!({"user": other, "negate": true})),
    ] {
        let body = json!({"name": name, "app": app["pk"], "attributes": {"from": {name: 1}}});
        let entitlement = server.app.create("authentik_core.applicationentitlement", body).await;
        let mut body = binding;
        body["target"] = entitlement["pk"].clone();
        body["order"] = json!(0);
        server.app.create("authentik_policies.policybinding", body).await;
    }
    let kind = server.app.state.api.registry.kind("authentik_core.application").unwrap();
    let host = server.host(false);
    let run = async |program: &str| {
        let object = Value::object(DocumentObject::of_kind(kind, app.as_object().unwrap()));
        server.run_with(program, &host, vec![("app".to_owned(), object)]).await
    };
    assert_eq!(run("return [app.name, app.slug]").await, Ok(json!(["Wiki", "wiki"])));
    let names = "return [one.name for one in user.app_entitlements(app)]";
    assert_eq!(run(names).await, Ok(json!(["c own", "d not theirs"])));
    let of_other = "return [one.name for one in ak_user_by(username='other').app_entitlements(app)]";
    assert_eq!(run(of_other).await, Ok(json!(["b inherited"])));
    assert_eq!(
        run("return user.app_entitlements_attributes(app)").await,
        Ok(json!({"from": {"c own": 1, "d not theirs": 1}}))
    );
    assert_eq!(run("return user.app_entitlements(None)").await, Ok(json!([])));
    let wrong = run("return user.app_entitlements('wiki')").await;
    assert_eq!(wrong, Err("TypeError: app_entitlements() needs an application".to_owned()));
}
