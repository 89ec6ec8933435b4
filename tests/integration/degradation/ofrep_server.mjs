// What a service in Node.js does: evaluates flags over OFREP and prints each answer as a line of JSON.
// Arguments: the address of the console, a token, and for each question kind:key:default.
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const [baseUrl, token, ...questions] = process.argv.slice(2);
const headers = [['Authorization', `Bearer ${token}`]];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
const client = OpenFeature.getClient();
const context = { targetingKey: 'user-1', plan: 'gold', age: 41, tags: ['a', 'b'] };
const ask = {
  boolean: (key, otherwise) => client.getBooleanDetails(key, otherwise === 'true', context),
  number: (key, otherwise) => client.getNumberDetails(key, Number(otherwise), context),
  string: (key, otherwise) => client.getStringDetails(key, otherwise, context),
  object: (key, otherwise) => client.getObjectDetails(key, { otherwise }, context),
};
for (const question of questions) {
  const [kind, key, otherwise] = question.split(':');
  console.log(JSON.stringify(await ask[kind](key, otherwise)));
}
await OpenFeature.close();
