using Formation.Inference.Accounts.Keys;

namespace Formation.Inference.Accounts.Tests.Keys;

public class ApiKeyFormatTests
{
    [Fact]
    public void A_key_is_a_prefix_an_id_256_bits_and_a_checksum()
    {
        (string id, string text) = ApiKeyFormat.Create();
        Assert.Matches("^fs_live_[0-9a-z]{10}_[A-Za-z0-9_-]{43}[0-9a-z]{6}$", text);
        Assert.Equal(ApiKeyFormat.Length, text.Length);
        Assert.Equal(id, text.Substring(8, 10));
        Assert.Equal(id, ApiKeyFormat.TryGetId(text));
    }

    [Fact]
    public void The_checksum_stays_what_it_was()
    {
        // CRC-32C (Castagnoli) of the 62 characters before it in base 36, computed bit by bit with Python 3.
        string body = "fs_live_0123456789_" + new string('A', 43);
        Assert.Equal("0123456789", ApiKeyFormat.TryGetId(body + "pyo6al"));
    }

    [Fact]
    public void Any_wrong_character_is_noticed()
    {
        (_, string text) = ApiKeyFormat.Create();
        for (int i = 0; i < text.Length; i++)
        {
            char other = text[i] == 'a' ? 'b' : 'a';
            Assert.Null(ApiKeyFormat.TryGetId(text[..i] + other + text[(i + 1)..]));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("fs_live_")]
    [InlineData("sk-0123456789012345678901234567890123456789")]
    public void What_is_no_key_has_no_id(string text) => Assert.Null(ApiKeyFormat.TryGetId(text));

    [Fact]
    public void A_longer_and_a_shorter_text_is_no_key()
    {
        (_, string text) = ApiKeyFormat.Create();
        Assert.Null(ApiKeyFormat.TryGetId(text + "a"));
        Assert.Null(ApiKeyFormat.TryGetId(text[1..]));
        Assert.Null(ApiKeyFormat.TryGetId("é" + text[1..]));
    }

    [Fact]
    public void What_is_shown_of_a_key_is_too_little_to_use_it()
    {
        (string id, string text) = ApiKeyFormat.Create();
        string shown = ApiKeyFormat.Display(text);
        Assert.Equal($"fs_live_{id[..4]}…{text[^4..]}", shown);
    }
}
