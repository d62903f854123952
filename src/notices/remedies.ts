import type { AwsFailureKind } from '../aws/aws-failure.ts';

/** What to do where a notice did not reach AWS. */
export function remedyFor(
  kind: AwsFailureKind,
  { service, right, name }: { service: string; right: string; name: string }
): string {
  switch (kind) {
    case 'not found':
      return `Correct ${name}`;
    case 'no credentials':
      return 'See that AWS credentials can be found and are valid';
    case 'denied':
      return `Give this user the right ${right}`;
    case 'no region':
      return 'Set AWS_REGION';
    case 'refused':
      return `See to what ${service} says of it`;
    case 'busy':
      return `See that ${service} can be reached`;
  }
}
