import { testPush } from '../e2e/_push.ts';
import { missingParts } from '../parts/parts.ts';

testPush('distribution', await missingParts('distribution'));
