// oidc-client-ts in a page of its own, on its defaults: sign in by a redirect, ask for the person's claims, renew, sign out.
const asked = new URLSearchParams(location.search)
const kept = JSON.parse(sessionStorage.getItem('settings') ?? 'null')
const settings = kept ?? { authority: asked.get('authority'), client_id: asked.get('client_id') }
sessionStorage.setItem('settings', JSON.stringify(settings))
const manager = new oidc.UserManager({
  ...settings, redirect_uri: `${location.origin}/index.html`, scope: 'openid profile email offline_access', loadUserInfo: true,
})

async function run() {
  if (!asked.has('state')) return manager.signinRedirect()
  const user = await manager.signinRedirectCallback()
  const renewed = await manager.signinSilent()
  const { sub, email, name } = user.profile
  document.getElementById('told').textContent =
    JSON.stringify({ sub, email, name, renewed: renewed.access_token !== user.access_token })
}
run().catch((fault) => { document.getElementById('told').textContent = JSON.stringify({ fault: String(fault) }) })
