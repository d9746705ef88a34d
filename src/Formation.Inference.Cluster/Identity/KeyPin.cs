using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Cluster.Identity;

/// <summary>
/// The fingerprint of a node or gateway: SHA-256 of its public key in SPKI form, as RFC 7469 pins it. It is the id of a node: a new
/// certificate for the same key keeps it, and nobody without the key can have it. It is public, and may be shown and logged.
/// </summary>
[JsonConverter(typeof(KeyPinJsonConverter))]
public sealed record KeyPin
{
    /// <summary>Bytes of the hash.</summary>
    public const int ByteCount = SHA256.HashSizeInBytes;

    private KeyPin(string text) => Text = text;

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public string Text { get; }

    /// <summary>The first digits, enough for people to tell nodes apart.</summary>
    public string Short => Text[..12];

    /// <exception cref="CryptographicException">The certificate's key can't be read.</exception>
    public static KeyPin Of(X509Certificate2 certificate) => FromBytes(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <param name="hash">The hash, <see cref="ByteCount"/> bytes.</param>
    public static KeyPin FromBytes(ReadOnlySpan<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(hash.Length, ByteCount);
        return new KeyPin(Convert.ToHexStringLower(hash));
    }

    /// <summary>Reads the 64 digits; upper case is not a pin, so that one key has one text.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out KeyPin? pin)
    {
        pin = text?.Length == 2 * ByteCount && text.All(IsDigit) ? new KeyPin(text) : null;
        return pin is not null;
    }

    /// <summary>The hash, <see cref="ByteCount"/> bytes.</summary>
    public byte[] ToBytes() => Convert.FromHexString(Text);

    public override string ToString() => Text;

    private static bool IsDigit(char c) => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f';
}

/// <summary>A pin in JSON: its 64 digits.</summary>
public sealed class KeyPinJsonConverter : JsonConverter<KeyPin>
{
    public override KeyPin Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        KeyPin.TryParse(reader.GetString(), out var pin) ? pin : throw new JsonException("A pin is 64 lower-case hexadecimal digits.");

    public override void Write(Utf8JsonWriter writer, KeyPin value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
}
