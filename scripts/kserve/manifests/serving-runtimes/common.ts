import type { Resources } from '../inference-service.ts';

/** The requests and limits of all runtimes of KServe. */
export const resources: Resources = {
  requests: { cpu: '1', memory: '2Gi' },
  limits: { cpu: '1', memory: '2Gi' },
};

export const securityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
};

/** Where KServe's runtimes have their metrics. */
export const metrics = (port: string) => ({
  'prometheus.kserve.io/port': port,
  'prometheus.kserve.io/path': '/metrics',
});

/** PyTorch's workers share memory. */
export const sharedMemory = {
  volumeMounts: [{ name: 'devshm', mountPath: '/dev/shm' }],
  volumes: [{ name: 'devshm', emptyDir: { medium: 'Memory' } }],
};

/** A model format in several versions. */
export const formats = (name: string, priority: number, ...versions: string[]) =>
  versions.map((version) => ({ name, version, autoSelect: true, priority }));

/** Lets KServe tell runtimes by what they run, since 0.18: servingruntime's annotation in config/runtimes/. */
export const serverType = (type: string) => ({ 'serving.kserve.io/server-type': type });
