using System.Security.Cryptography;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>Makes identifiers that nobody can guess: 128 random bits in hexadecimal.</summary>
internal class RequestIds
{
    internal virtual string Create() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
