// What a page does: one provider that the test starts with options of its own, and questions to it.
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const client = OpenFeature.getClient();
const heard = { changed: [], stale: 0, errors: 0 };
client.addHandler(ProviderEvents.ConfigurationChanged, (event) => heard.changed.push(event.flagsChanged));
client.addHandler(ProviderEvents.Stale, () => (heard.stale += 1));
client.addHandler(ProviderEvents.Error, () => (heard.errors += 1));

window.shop = {
  heard,
  async start(token, options) {
    const headers = [['Authorization', `Bearer ${token}`]];
    const context = { targetingKey: 'user-1', plan: 'gold' };
    try {
      await OpenFeature.setProviderAndWait(new OFREPWebProvider({ headers, ...options }), context);
    } catch (error) {
      return String(error.code || error);
    }
    return client.providerStatus;
  },
  number: (key, otherwise) => client.getNumberDetails(key, otherwise),
  string: (key, otherwise) => client.getStringDetails(key, otherwise),
  boolean: (key, otherwise) => client.getBooleanDetails(key, otherwise),
  status: () => client.providerStatus,
  become: (targetingKey) => OpenFeature.setContext({ targetingKey }),
};
