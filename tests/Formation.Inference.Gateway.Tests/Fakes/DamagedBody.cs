using System.Text;
using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Bodies with a few bytes changed, taken out, doubled or put in: most of them broken JSON, many of wrong types.</summary>
internal static class DamagedBody
{
    static readonly byte[][] Fragments =
    [
        .. new[]
        {
            "null", "true", "-1", "1e400", "9223372036854775808", "0.1", "\"\"", "\"x\"", "[]", "{}", "[[[[", "{\"a\":", "\\ud800", "\\u0000",
            ",", ":", "\"", "}", "]", "\"model\":\"tiny\",", "\uFEFF", "\"role\":\"user\"", "/**/", "NaN", "\n",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC3], [0x00], [0xF0, 0x9F],
    ];

    public static byte[] Of(string body, Random random)
    {
        var bytes = new List<byte>(Encoding.UTF8.GetBytes(body));
        for (int damages = random.Next(1, 4); damages > 0 && bytes.Count > 0; damages--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 12), bytes.Count - at));
                    break;
                case 2:
                    bytes.InsertRange(at, Fragments[random.Next(Fragments.Length)]);
                    break;
                case 3:
                    byte[] piece = [.. bytes.Skip(at).Take(random.Next(1, 40))];
                    bytes.InsertRange(random.Next(bytes.Count), piece);
                    break;
                default:
                    ReplaceValue(bytes, Fragments[random.Next(Fragments.Length)], at);
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Understands damaged bodies: each is understood, or refused with a 400; nothing else may happen.</summary>
    public static void AreUnderstoodOrRefused(string[] bodies, int seed, Action<byte[]> understand)
    {
        var random = new Random(seed);
        int understood = 0, refused = 0;
        for (int i = 0; i < 8_000; i++)
        {
            byte[] body = Of(bodies[random.Next(bodies.Length)], random);
            try
            {
                understand(body);
                understood++;
            }
            catch (ApiErrorException exception)
            {
                Assert.True(exception.Error.Status == 400 && exception.Error.Message.Length < 700, $"round {i}: {exception.Error}");
                refused++;
            }
            catch (Exception exception)
            {
                Assert.Fail($"round {i}: {exception.GetType().Name} at {exception.StackTrace}\n{Convert.ToBase64String(body)}");
            }
        }

        // The damage must be neither so small that all pass, nor so great that nothing is reached behind the syntax.
        Assert.True(understood > 100 && refused > 1000, $"{understood} understood, {refused} refused");
    }

    /// <summary>Puts something else where a value begins, so that the syntax mostly holds and the types don't.</summary>
    static void ReplaceValue(List<byte> bytes, byte[] value, int from)
    {
        int colon = bytes.IndexOf((byte)':', from);
        if (colon < 0)
            return;
        int end = bytes.FindIndex(colon, b => b is (byte)',' or (byte)'}' or (byte)']');
        if (end < 0)
            return;
        bytes.RemoveRange(colon + 1, end - colon - 1);
        bytes.InsertRange(colon + 1, value);
    }
}
