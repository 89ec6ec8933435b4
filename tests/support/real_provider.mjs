// A certified OpenID provider for tests: npm's oidc-provider, with people as the test says.
// Arguments: the console's callback address, its address after signing out. Prints its issuer as a line of JSON, then
// takes people from standard input, one line of JSON each time: {"sub": {claims}}.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const [callback, signedOut] = process.argv.slice(2);
console.info = console.warn = console.error; // its notices are no answers
let people = {};
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'mainstay',
    client_secret: 'a secret for tests that is long enough',
    redirect_uris: [callback],
    post_logout_redirect_uris: [signedOut],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'] },
  conformIdTokenClaims: process.env.CONFORM === 'yes',
  cookies: { keys: ['only for tests'] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (_, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
});
server.on('request', provider.callback());
createInterface({ input: process.stdin }).on('line', (line) => {
  people = JSON.parse(line);
  console.log(JSON.stringify({ people: Object.keys(people).length }));
}).on('close', () => process.exit(0));
console.log(JSON.stringify({ issuer }));
