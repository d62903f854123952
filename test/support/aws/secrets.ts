import type { TestAws } from './aws.ts';

export type SecretStage = 'AWSCURRENT' | 'AWSPENDING';

/** Makes a secret, or gives it a new version under a stage; the version that had the stage loses it. */
export async function putSecret(
  aws: TestAws,
  name: string,
  text: string,
  stage: SecretStage = 'AWSCURRENT'
): Promise<void> {
  const target = (action: string) => `secretsmanager.${action}`;
  const given = { SecretString: text, ClientRequestToken: crypto.randomUUID() };
  const isNew = await aws
    .json('secretsmanager', target('DescribeSecret'), { SecretId: name })
    .then(() => false)
    .catch(() => true);
  if (isNew) await aws.json('secretsmanager', target('CreateSecret'), { Name: name, ...given });
  else {
    await aws.json('secretsmanager', target('PutSecretValue'), {
      ...{ SecretId: name, VersionStages: [stage], ...given },
    });
  }
}

/** Which stages of which secrets were asked for since the scenario began, in order. */
export function askedSecrets(aws: TestAws): { readonly name: string; readonly stage: string }[] {
  return aws.proxy.calls
    .filter(({ action }) => action === 'GetSecretValue')
    .map(({ parameters }) => {
      const { SecretId, VersionStage } = JSON.parse(parameters['body'] ?? '{}');
      return { name: SecretId, stage: VersionStage };
    });
}
