/* The four `.env` files of the multi-agent guide, to the letter. */

export const ATLAS = `# .env for Atlas
AI_PROVIDER=openai
OPENAI_API_KEY=sk-...

AGENT_NAME=Atlas
AGENT_ID=atlas_001

PLATFORM=whatsapp
WHATSAPP_MODE=baileys

SECURITY_REQUIRE_AGENT_AUTH=true
SECURITY_AGENT_SECRET=a]f8k2...your-shared-secret...m9x1z
SECURITY_ENCRYPTION_KEY=b7d3e...your-shared-key...4f2a8

HEALTH_PORT=9090
`;

export const NOVA = `# .env for Nova
AI_PROVIDER=anthropic
ANTHROPIC_API_KEY=sk-ant-...

AGENT_NAME=Nova
AGENT_ID=nova_001

PLATFORM=whatsapp
WHATSAPP_MODE=baileys

SECURITY_REQUIRE_AGENT_AUTH=true
SECURITY_AGENT_SECRET=a]f8k2...your-shared-secret...m9x1z    # SAME secret
SECURITY_ENCRYPTION_KEY=b7d3e...your-shared-key...4f2a8      # SAME key

HEALTH_PORT=9091
`;

export const CLAW_HUB = `AI_PROVIDER=openclaw
OPENCLAW_BASE_URL=http://localhost:18789
OPENCLAW_AUTH_TOKEN=secret

AGENT_NAME=ClawHub
AGENT_ID=clawhub_001

AI_FALLBACK_PROVIDERS=nvidia-nim
NVIDIA_API_KEY=nvapi-...

SECURITY_REQUIRE_AGENT_AUTH=true
SECURITY_AGENT_SECRET=<shared>
SECURITY_ENCRYPTION_KEY=<shared>
`;

export const NEMO_CLAW = `AI_PROVIDER=nvidia-nim
NVIDIA_API_KEY=nvapi-...

AGENT_NAME=NemoClaw
AGENT_ID=nemoclaw_001

AI_FALLBACK_PROVIDERS=groq,anthropic
GROQ_API_KEY=gsk_...
ANTHROPIC_API_KEY=sk-ant-...

SECURITY_REQUIRE_AGENT_AUTH=true
SECURITY_AGENT_SECRET=<shared>
SECURITY_ENCRYPTION_KEY=<shared>
`;
