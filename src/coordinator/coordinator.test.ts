import { coordinatorContract } from '../../test/contract/coordinator.ts';

coordinatorContract('sqlite');
coordinatorContract('file');
