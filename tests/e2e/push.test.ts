import { missingParts } from '../parts/parts.ts';
import { testPush } from './_push.ts';

testPush('docker-registry', await missingParts('docker-registry'));
