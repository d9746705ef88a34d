using System.Security.Cryptography;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Tests.Identity;

public sealed class JoinTokenTests
{
    private static readonly KeyPin Gateway = KeyPin.FromBytes(SHA256.HashData("gateway"u8));

    [Fact]
    public void A_token_says_which_gateway_made_it_and_survives_its_text()
    {
        var token = JoinToken.Create(Gateway);
        Assert.StartsWith("fs_join_", token.Text.Value);
        Assert.True(JoinToken.TryParse(token.Text.Value, out var read, out _));
        Assert.Equal(Gateway, read.Gateway);
        Assert.Equal(token.Id, read.Id);
        Assert.Equal(token.Hash(), read.Hash());
    }

    [Fact]
    public void No_two_tokens_are_alike()
    {
        var tokens = Enumerable.Range(0, 100).Select(_ => JoinToken.Create(Gateway)).ToList();
        Assert.Distinct(tokens.Select(token => token.Id));
        Assert.Distinct(tokens.Select(token => token.Text.Value[19..62]));
    }

    [Fact]
    public void A_token_shows_its_secret_to_no_log()
    {
        var token = JoinToken.Create(Gateway);
        Assert.DoesNotContain(token.Text.Value[20..60], $"{token} {token.Text}");
    }

    [Fact]
    public void A_change_of_any_character_is_found()
    {
        var text = JoinToken.Create(Gateway).Text.Value;
        for (var i = 0; i < text.Length; i++)
        {
            var changed = text[..i] + (text[i] == 'x' ? 'y' : 'x') + text[(i + 1)..];
            Assert.False(JoinToken.TryParse(changed, out _, out var fault), changed);
            Assert.DoesNotContain(text[20..60], fault);
        }
    }

    [Theory]
    [InlineData("", "begin with fs_join_")]
    [InlineData("fs_live_0123456789_abc", "begin with fs_join_")]
    [InlineData("fs_join_", "8 characters instead of")]
    public void What_is_wrong_with_a_text_is_told(string text, string part)
    {
        Assert.False(JoinToken.TryParse(text, out _, out var fault));
        Assert.Contains(part, fault);
    }

    [Fact]
    public void A_token_cut_short_or_with_more_behind_it_is_told_by_its_length()
    {
        var text = JoinToken.Create(Gateway).Text.Value;
        foreach (var wrong in (string[])[text[..^1], text + " ", text[..40]])
        {
            Assert.False(JoinToken.TryParse(wrong, out _, out var fault));
            Assert.Contains($"{wrong.Length} characters instead of {text.Length}", fault);
        }
    }

    [Fact]
    public void Letters_beyond_ascii_and_control_characters_are_no_part_of_a_token()
    {
        var text = JoinToken.Create(Gateway).Text.Value;
        foreach (var c in "é\0\n\u001b")
            Assert.False(JoinToken.TryParse(text[..10] + c + text[11..], out _, out _));
    }
}
